"""Checks one receipt, offline: signature, form, and whether its numbers fit each other: `make verify-receipt`."""

"""Checks the ledger against itself and against the daily files of heads: `make verify-audit`."""

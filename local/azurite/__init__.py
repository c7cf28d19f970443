"""Azurite, Microsoft's storage emulator, as a process of this project: accounts, start, stop."""

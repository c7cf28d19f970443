"""A lean stand-in for Azure Blob Storage that hides less of its clients than Azurite does, and counts their calls."""

"""Checks a downloaded export package offline against its own manifest; knows the contract, not the app's code."""

"""Erasure: what Custom Vision holds of a person is deleted, and proven gone by reading again."""

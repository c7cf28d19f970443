"""Cleaning packages that this app wrote of what erasures take away, and making again what is made of the rest."""

from shared.cleaning.cleaning_pass import Rebuild
from shared.cleaning.journal import is_being_rebuilt
from shared.cleaning.own_exports import OwnExports, Progress

__all__ = ["OwnExports", "Progress", "Rebuild", "is_being_rebuilt"]

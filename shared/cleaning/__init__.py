"""Cleaning packages that this app wrote of what erasures take away, and making again what is made of the rest."""

from shared.cleaning.cleaning_pass import Rebuild
from shared.cleaning.exempt import exempt_packages
from shared.cleaning.gone_matches import GoneMatches
from shared.cleaning.journal import is_being_rebuilt
from shared.cleaning.leased_blobs import LeasedBlobs
from shared.cleaning.leftover_tombstones import remove_unneeded
from shared.cleaning.own_exports import OwnExports, Progress
from shared.cleaning.packaged import Packaged, find_packaged
from shared.cleaning.passing import clean_again, finish_open_passes

__all__ = [
    "GoneMatches",
    "LeasedBlobs",
    "OwnExports",
    "Packaged",
    "Progress",
    "Rebuild",
    "clean_again",
    "exempt_packages",
    "find_packaged",
    "finish_open_passes",
    "is_being_rebuilt",
    "remove_unneeded",
]

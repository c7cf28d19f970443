"""How a package that lost items is made whole again: with the very functions that made it."""

from __future__ import annotations

from export_function.derived import derive_project, write_index
from export_function.zipping import build_part
from shared.cleaning import Rebuild

REBUILD = Rebuild(derive_project=derive_project, write_index=write_index, build_part=build_part)

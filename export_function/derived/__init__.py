"""What is made of a package's own files: COCO and CSV for programs, pages in HTML for people."""

from export_function.derived.index import write_index
from export_function.derived.project_files import derive_project

__all__ = ["derive_project", "write_index"]

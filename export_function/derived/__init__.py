"""What is made of a package's own files: COCO and CSV for programs, pages in HTML for people."""

from export_function.derived.index import write_gallery, write_index, write_overview
from export_function.derived.project_files import derive_project

__all__ = ["derive_project", "write_gallery", "write_index", "write_overview"]

"""Whether pictures are where the units say: the storage account's listing is walked beside the outcomes, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from export_function.plan import IMAGES, PREDICTIONS
from shared.packages import PICTURES_A_LISTING, package_prefix, project_path
from shared.ports import BlobEntry
from shared.services import Services

type Row = Mapping[str, Any]

PICTURES = {"image_id": (IMAGES, "images/files/"), "prediction_id": (PREDICTIONS, "predictions/files/")}
"""Which id in a file's row says that it is a picture: of which store, and in which folder."""


def kind_of_picture(row: Row) -> str | None:
    """Give the name of the id that makes a file a picture; None for other files."""
    return next((name for name in PICTURES if name in row["ids"]), None)


def store_of_picture(row: Row) -> str | None:
    """Give the store in which a picture counts; None for other files."""
    kind = kind_of_picture(row)
    return PICTURES[kind][0] if kind else None


def is_there(row: Row, listings: Mapping[str, Listing]) -> bool:
    """Whether a file is there: pictures are looked for, other files were written by this app."""
    kind = kind_of_picture(row)
    return kind is None or listings[kind].has(row["path"], row["bytes"])


class Listing:
    """
    What the storage account lists of a project's pictures, walked once for each run of ascending paths.

    Nothing is listed before it is asked for: most projects have no stored predictions.
    """

    def __init__(self, services: Services, request_id: str, project_id: str, folder: str) -> None:
        self._prefix = package_prefix(request_id)
        pictures = self._prefix + project_path(project_id, folder)
        self._list: Callable[[], Iterator[BlobEntry]] = partial(
            services.packages.blobs.entries, pictures, page_size=PICTURES_A_LISTING
        )
        self._last: str | None = None

    def begin(self) -> None:
        """List the first page now, for the first run."""
        self._restart()
        self._last = ""

    def _restart(self) -> None:
        """Begin the listing anew: each source of a project, and each round, begins again with the lowest ids."""
        self._entries = ((entry.name, entry.size) for entry in self._list())
        self._current = next(self._entries, None)

    def has(self, path: str, size: int) -> bool:
        """Say whether the picture is there with this size; asked in ascending order it walks the listing once."""
        name = self._prefix + path
        if self._last is None or name < self._last:
            self._restart()
        self._last = name
        while self._current is not None and self._current[0] < name:
            self._current = next(self._entries, None)
        return self._current == (name, size)

"""
Custom Vision's nouns as the API gives them: the few fields that decisions need, and the row whole.

`row` is the service's JSON object unchanged (unknown fields too); nothing here drops or invents a key. Absent and null
are the same to the properties, as the service leaves "nullable" keys out (Training API v3.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

type Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """One row of the service with its id in lower case."""

    id: str
    row: Row

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """Read the row; KeyError if it has no `id`."""
        return cls(id=str(row["id"]).lower(), row=row)

    @property
    def created(self) -> str:
        """The service's own text of the creation time; with or without `Z`, so compare within one kind only."""
        return str(self.row.get("created") or "")


class Project(Resource):
    """A project."""

    @property
    def name(self) -> str:
        """The project's name."""
        return str(self.row.get("name") or "")

    @property
    def read_only(self) -> bool:
        """Whether the project is in disaster-recovery mode (`drModeEnabled`), where every change is refused."""
        return bool(self.row.get("drModeEnabled"))


class Iteration(Resource):
    """A trained (or training, or failed) iteration."""

    @property
    def name(self) -> str:
        """The iteration's name."""
        return str(self.row.get("name") or "")

    @property
    def status(self) -> str:
        """A free string; seen: Training, Completed, Failed, Staging."""
        return str(self.row.get("status") or "")

    @property
    def publish_name(self) -> str | None:
        """The name under which it is published, None if it is not."""
        return self.row.get("publishName") or None


class Tag(Resource):
    """A tag, as the workspace or one iteration holds it."""

    @property
    def name(self) -> str:
        """The tag's name."""
        return str(self.row.get("name") or "")


class Image(Resource):
    """A training image, as the workspace or one iteration holds it."""

    @property
    def tags(self) -> tuple[tuple[str, str], ...]:
        """(tag id in lower case, tag name) of every tag on it; empty if untagged."""
        return tuple(
            (str(tag.get("tagId", "")).lower(), str(tag.get("tagName") or "")) for tag in self.row.get("tags") or ()
        )

    @property
    def metadata(self) -> Mapping[str, str]:
        """The metadata pairs; empty if there are none."""
        return self.row.get("metadata") or {}

    @property
    def original_link(self) -> str | None:
        """Where the original's bytes are now: a SAS link (a secret, about 24 hours), or a relative artifact path."""
        return self.row.get("originalImageUri") or None


class StoredPrediction(Resource):
    """A prediction that the service has stored, with its picture."""

    @property
    def iteration_id(self) -> str | None:
        """The iteration that predicted."""
        value = self.row.get("iteration")
        return str(value).lower() if value else None

    @property
    def original_link(self) -> str | None:
        """Where the picture's bytes are now (a secret)."""
        return self.row.get("originalImageUri") or None

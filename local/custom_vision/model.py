"""The service's objects as immutable rows: iterations keep theirs while the workspace changes, without copying any."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from local.custom_vision.scope import Scope


class BlobName(NamedTuple):
    """Where bytes lie in the service's storage."""

    container: str
    name: str


class Content(NamedTuple):
    """What is known of an image's bytes: pixels, bytes, lower-case hex digest, media type."""

    width: int
    height: int
    size: int
    sha256: str
    media_type: str


class TagLink(NamedTuple):
    """A tag on an image since `created` (ticks)."""

    tag_id: str
    created: int


class Region(NamedTuple):
    """A tagged box; its numbers are fractions 0..1 of the image."""

    id: str
    tag_id: str
    created: int
    left: float
    top: float
    width: float
    height: float


class Image(NamedTuple):
    """A training image as one scope (workspace or iteration) holds it. `created` in ticks."""

    id: str
    created: int
    content: Content
    original: BlobName
    thumbnail: BlobName
    tags: tuple[TagLink, ...] = ()
    regions: tuple[Region, ...] = ()
    metadata: Mapping[str, str] | None = None


class Tag(NamedTuple):
    """A tag; `type` is Regular, Negative or GeneralProduct."""

    id: str
    name: str
    description: str | None
    type: str


@dataclass
class Export:
    """A model package of an iteration. `done` is the tick at which the download exists, None while exporting."""

    platform: str
    flavor: str | None
    blob: BlobName
    size: int = 0
    done: int | None = None


@dataclass
class Iteration:
    """A training: its own copy of tags and images, taken when it started."""

    id: str
    name: str
    created: int
    modified: int
    scope: Scope
    domain_id: str
    classification_type: str | None
    revision: int
    training_type: str = "Regular"
    reserved_hours: int = 0
    status: str = "Training"
    trained: int | None = None
    publish_name: str | None = None
    publish_target: str | None = None
    exports: list[Export] = field(default_factory=list)


class Guess(NamedTuple):
    """One predicted tag, with a box (left, top, width, height) in object detection."""

    probability: float
    tag_id: str
    tag_name: str
    tag_type: str
    box: tuple[float, float, float, float] | None


class StoredPrediction(NamedTuple):
    """A prediction whose image was kept. `created` in ticks."""

    id: str
    iteration_id: str
    domain_id: str
    created: int
    content: Content
    original: BlobName
    thumbnail: BlobName
    guesses: tuple[Guess, ...]
    application: str | None


class Suggestion(NamedTuple):
    """Tags suggested for a training image by an iteration, stored by the service."""

    image_id: str
    iteration_id: str
    created: int
    guesses: tuple[Guess, ...]
    uncertainty: float


@dataclass
class Project:
    """A project with its workspace, iterations (by id), predictions (oldest first) and stored suggestions."""

    id: str
    name: str
    description: str
    settings: dict[str, Any]
    created: int
    modified: int
    workspace: Scope = field(default_factory=Scope)
    iterations: dict[str, Iteration] = field(default_factory=dict)
    predictions: dict[str, StoredPrediction] = field(default_factory=dict)
    suggestions: dict[tuple[str, str], Suggestion] = field(default_factory=dict)
    storage_integration: dict[str, str] = field(default_factory=dict)
    status: str = "Succeeded"
    read_only: bool = False
    trainings: int = 0

    def scopes(self) -> list[Scope]:
        """The workspace and every iteration's copy."""
        return [self.workspace, *(iteration.scope for iteration in self.iterations.values())]

"""All that a resource holds at one moment: the emulator's own truth, and the bytes behind the service's links."""

import hashlib
from collections.abc import Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator
from local.demo.training_api import TrainingApi

_WORKERS = 4
Json = dict[str, Any]


@dataclass(frozen=True, order=True)
class Place:
    """A list of images, by ids and names: a project's workspace ("" as iteration) or one of its iterations."""

    project: str
    iteration: str
    project_id: str
    iteration_id: str

    @property
    def name(self) -> str:
        """What to call it."""
        return f"{self.project}, {self.iteration or 'workspace'}"


@dataclass(frozen=True)
class Snapshot:
    """What there is.

    `rows`: per place the images by id, with tags, regions, metadata and the SHA-256 of what was uploaded.
    `around`: all else of the projects: tags, iterations, publish names, predictions.
    `links`: a link to the bytes of every image, by id. `digests`: SHA-256 of the bytes read by it, None if it has none.
    """

    rows: Mapping[Place, Mapping[str, Json]]
    around: Sequence[Json]
    links: Mapping[str, str]
    digests: Mapping[str, str | None]

    def ids(self) -> set[str]:
        """Return the ids of all images, wherever they are."""
        return {image_id for rows in self.rows.values() for image_id in rows}

    def workspace_ids(self) -> set[str]:
        """Return the ids of the images that are in a workspace."""
        return {image_id for place, rows in self.rows.items() if not place.iteration_id for image_id in rows}

    def uploaded(self, image_id: str) -> str:
        """Return the SHA-256 of what was uploaded as an image; an unknown one is a KeyError."""
        return next(str(rows[image_id]["sha256"]) for rows in self.rows.values() if image_id in rows)

    def ids_of(self, key: str, value: str) -> set[str]:
        """Return the ids of the images with this pair in their metadata, in any place."""
        rows = [row for rows in self.rows.values() for row in rows.values()]
        return {row["id"] for row in rows if row["metadata"].get(key) == value}

    def without(self, image_ids: Set[str]) -> "Snapshot":
        """Return the same without these images; what is around them stays as it is."""
        return Snapshot(
            {place: _without(image_ids, rows) for place, rows in self.rows.items()},
            self.around,
            _without(image_ids, self.links),
            _without(image_ids, self.digests),
        )


def take_snapshot(emulator: RunningEmulator) -> Snapshot:
    """Read the truth, then every image's bytes as any client of the service would."""
    projects = EmulatorControl(emulator.url).truth()["projects"]
    rows = {place: {row["id"]: row for row in images} for project in projects for place, images in _places(project)}
    with TrainingApi(emulator.url, emulator.key) as api:
        links = _links(api, rows)
        with ThreadPoolExecutor(_WORKERS) as pool:
            digests = dict(zip(links, pool.map(lambda link: _digest(api.bytes_at(link)), links.values()), strict=True))
    return Snapshot(rows, [_around(project) for project in projects], links, digests)


def still_served(emulator: RunningEmulator, links: Mapping[str, str]) -> set[str]:
    """Return the ids whose link still gives bytes."""
    with TrainingApi(emulator.url, emulator.key) as api:
        return {image_id for image_id, link in links.items() if api.bytes_at(link) is not None}


def _places(project: Json) -> list[tuple[Place, list[Json]]]:
    workspace = {"name": "", "id": ""} | project["workspace"]
    return [
        (Place(project["name"], one["name"], project["id"], one["id"]), one["images"])
        for one in (workspace, *project["iterations"])
    ]


def _around(project: Json) -> Json:
    scopes = [project["workspace"], *project["iterations"]]
    bare = [{key: scope[key] for key in scope if key not in {"images", "image_count"}} for scope in scopes]
    return {key: project[key] for key in project if key not in {"workspace", "iterations"}} | {"scopes": bare}


def _links(api: TrainingApi, rows: Mapping[Place, Mapping[str, Json]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for place, images in rows.items():
        missing = [image_id for image_id in images if image_id not in found]
        found |= api.links(place.project_id, place.iteration_id or None, missing)
    return found


def _without[V](image_ids: Set[str], by_id: Mapping[str, V]) -> dict[str, V]:
    return {image_id: value for image_id, value in by_id.items() if image_id not in image_ids}


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()

"""What an erasure must do, said a second time and more simply, on the emulator's own objects instead of its API."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.custom_vision.model import Image, Iteration, Project
from local.custom_vision.scope import Scope
from local.custom_vision.server import RunningEmulator
from tests.erasure.truth import WORKSPACE, Facts, facts_of, rows_by_precedence, sources_of

type Body = Mapping[str, Any]


@dataclass
class Expectation:
    """What is planned, by store, and what may be left afterwards."""

    after: Facts
    images: set[str] = field(default_factory=set)
    conflicting: set[str] = field(default_factory=set)
    predictions: set[str] = field(default_factory=set)
    iterations: set[str] = field(default_factory=set)
    unpublished: set[str] = field(default_factory=set)
    learned: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    selected_tags: set[str] = field(default_factory=set)
    projects: set[str] = field(default_factory=set)

    def found(self) -> dict[str, int]:
        """Give the numbers that a receipt must show as found, of the stores that have any; images always."""
        stores = ("predictions", "images", "iterations", "tags", "projects")
        counts = {store: len(getattr(self, store)) for store in stores}
        return {store: number for store, number in counts.items() if number or store == "images"}


def expected_of_items(emulator: RunningEmulator, body: Body) -> Expectation:
    """Say what an erasure at level items must leave of what there is now."""
    expected = Expectation(facts_of(emulator))
    with emulator.world.lock:
        for project in emulator.world.projects.values():
            if body["scope"]["projects"] == "all" or project.id in body["scope"]["projects"]:
                _Items(project, body, expected).apply()
    return expected


def expected_of_projects(emulator: RunningEmulator, project_ids: Collection[str]) -> Expectation:
    """Say what the erasure of whole projects must leave of what there is now."""
    expected = Expectation(facts_of(emulator))
    with emulator.world.lock:
        for project in (emulator.world.projects[one] for one in project_ids):
            expected.projects.add(project.id)
            expected.images |= {image_id for scope in project.scopes() for image_id in scope.images}
            expected.iterations |= set(project.iterations)
            expected.predictions |= set(project.predictions)
            expected.tags |= set(project.workspace.tags)
            held = [image for scope in project.scopes() for image in scope.images.values()]
            blobs = {blob for one in held for blob in (one.original, one.thumbnail)}
            blobs |= {blob for one in project.predictions.values() for blob in (one.original, one.thumbnail)}
            _drop(expected.after, *(("blob", *blob) for blob in blobs))
    expected.after = {key: fact for key, fact in expected.after.items() if not set(key[1:]) & expected.projects}
    return expected


@dataclass
class _Items:
    """One project under a selector."""

    project: Project
    body: Body
    expected: Expectation

    @property
    def selector(self) -> Mapping[str, Any]:
        return dict(self.body["scope"].get("images", {}))

    def apply(self) -> None:
        """Take what is selected out of the expectation."""
        selected = self._selected()
        holders = [one for one in self.project.iterations.values() if selected & one.scope.images.keys()]
        action = self.body["options"].get("trained_iterations", "keep")
        gone = holders if action == "delete" else []
        self._drop_images(selected, gone)
        self._drop_iterations(holders, action)
        self._drop_predictions()
        self._drop_tags(selected)
        self.expected.images |= selected

    def _selected(self) -> set[str]:
        selected = set()
        for image_id in {one for scope in self.project.scopes() for one in scope.images}:
            words = [self._matches(*row) for row in rows_by_precedence(self.project, image_id)]
            if words[0]:
                selected.add(image_id)
            elif any(words):
                self.expected.conflicting.add(image_id)
        return selected

    def _matches(self, image: Image, scope: Scope) -> bool:
        names = {link.tag_id for link in image.tags} | {scope.tags[link.tag_id].name for link in image.tags}
        pairs = self.selector.get("metadata", {}).items()
        by_pairs = bool(pairs) and pairs <= (image.metadata or {}).items()
        return image.id in self.selector.get("ids", ()) or bool(names & set(self.selector.get("tags", ()))) or by_pairs

    def _drop_images(self, selected: set[str], gone: list[Iteration]) -> None:
        names = {one.id for one in gone}
        left = set()
        for source, scope in sources_of(self.project).items():
            for image in scope.images.values():
                if image.id in selected or source in names:
                    _drop(self.expected.after, ("image", self.project.id, source, image.id))
                else:
                    left.add(image.id)
        for scope in self.project.scopes():
            for image in scope.images.values():
                if image.id not in left:
                    _drop(self.expected.after, ("blob", *image.original), ("blob", *image.thumbnail))

    def _drop_iterations(self, holders: list[Iteration], action: str) -> None:
        project_id = self.project.id
        for one in holders:
            if action == "delete":
                self.expected.iterations.add(one.id)
                tags = [("tag", project_id, one.id, tag) for tag in one.scope.tags]
                _drop(self.expected.after, ("iteration", project_id, one.id), *tags)
            else:
                self.expected.learned.add(one.id)
            if action != "keep":
                self.expected.unpublished |= {one.id} if one.publish_name else set()
                _drop(self.expected.after, ("published", project_id, one.id))

    def _drop_predictions(self) -> None:
        wanted = self.body["scope"].get("predictions", {}).get("ids", ())
        for one in [self.project.predictions[one] for one in wanted if one in self.project.predictions]:
            self.expected.predictions.add(one.id)
            _drop(self.expected.after, ("blob", *one.original), ("blob", *one.thumbnail))
            _drop(self.expected.after, ("prediction", self.project.id, one.id))

    def _drop_tags(self, selected: set[str]) -> None:
        named = [tag for scope in self.project.scopes() for tag in scope.tags.values()]
        self.expected.selected_tags |= {t.id for t in named if {t.id, t.name} & set(self.selector.get("tags", ()))}
        if not self.body["options"].get("delete_tags"):
            return
        scope, wanted = self.project.workspace, set(self.selector.get("tags", ()))
        for tag in scope.tags.values():
            used = any(
                link.tag_id == tag.id for one in scope.images.values() if one.id not in selected for link in one.tags
            )
            if {tag.id, tag.name} & wanted:
                self.expected.tags.add(tag.id)
                _drop(self.expected.after, *([] if used else [("tag", self.project.id, WORKSPACE, tag.id)]))


def _drop(facts: Facts, *keys: tuple[str, ...]) -> None:
    for key in keys:
        facts.pop(key, None)


def difference(expected: Facts, found: Facts) -> dict[str, list[tuple[str, ...]]]:
    """Give what is left and should be gone, what is gone and should be there, and what is there and was changed."""
    return {
        "left": sorted(found.keys() - expected.keys()),
        "lost": sorted(expected.keys() - found.keys()),
        "changed": sorted(key for key in expected.keys() & found.keys() if expected[key] != found[key]),
    }


NOTHING: dict[str, list[tuple[str, ...]]] = {"left": [], "lost": [], "changed": []}

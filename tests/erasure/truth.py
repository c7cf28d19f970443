"""What the emulated service holds, as facts that can be compared one by one, and how to change it behind the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from local.custom_vision.blobs import MemoryBlobs
from local.custom_vision.iterations import finish_training, start_training
from local.custom_vision.model import Image, Iteration, Project, TagLink
from local.custom_vision.scope import Scope
from local.custom_vision.server import RunningEmulator

WORKSPACE = "workspace"

type Facts = dict[tuple[str, ...], Any]
"""Kind, then ids -> the thing itself: `("image", project, source, id)`, `("blob", container, name)`, and so on."""


def facts_of(emulator: RunningEmulator) -> Facts:
    """Give everything that there is, whole: rows, tags, iterations, predictions, bytes, accounts."""
    emulator.emulator.sweep()
    world = emulator.world
    facts: Facts = {}
    with world.lock:
        for project in world.projects.values():
            facts |= _project_facts(project)
        for state in ("present", "recoverable"):
            facts |= {("account", state, one.name): one.kind for one in getattr(world.accounts, state).values()}
    store = emulator.emulator.store
    assert isinstance(store, MemoryBlobs)
    return facts | {("blob", *name): store.read(name) for name in store.names()}


def _project_facts(project: Project) -> Facts:
    head = (project.name, project.description, dict(project.settings), project.created, project.status)
    facts: Facts = {("project", project.id): head}
    for source, scope in sources_of(project).items():
        facts |= {("image", project.id, source, image.id): image for image in scope.images.values()}
        facts |= {("tag", project.id, source, tag.id): tag for tag in scope.tags.values()}
    for iteration in project.iterations.values():
        facts["iteration", project.id, iteration.id] = (iteration.name, iteration.created, iteration.status)
        if iteration.publish_name is not None:
            facts["published", project.id, iteration.id] = (iteration.publish_name, iteration.publish_target)
    return facts | {("prediction", project.id, one.id): one for one in project.predictions.values()}


def sources_of(project: Project) -> Mapping[str, Scope]:
    """Give the workspace and every iteration's copy, by name or id."""
    return {WORKSPACE: project.workspace} | {one.id: one.scope for one in project.iterations.values()}


def trained(emulator: RunningEmulator, project_id: str, publish: str | None = None) -> str:
    """Train a project at once, from its workspace as it is now; gives the iteration's id."""
    with emulator.world.lock:
        iteration = start_training(emulator.world, emulator.world.projects[project_id])
        finish_training(emulator.world, iteration)
        published(iteration, publish)
    return iteration.id


def published(iteration: Iteration, name: str | None) -> None:
    """Publish an iteration under a name, or take it back."""
    target = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/p" if name else None
    iteration.publish_name, iteration.publish_target = name, target


def retagged(emulator: RunningEmulator, project_id: str, image_ids: Iterable[str], tag: str | None) -> None:
    """Give images of the workspace one tag (by name) instead of those they have; None takes all away."""
    with emulator.world.lock:
        scope = emulator.world.projects[project_id].workspace
        tag_id = next((one.id for one in scope.tags.values() if one.name == tag), None)
        links = () if tag_id is None else (TagLink(tag_id, emulator.world.now()),)
        scope.put([scope.images[one]._replace(tags=links, regions=()) for one in image_ids])


def described(emulator: RunningEmulator, project_id: str, image_ids: Iterable[str], **metadata: str) -> None:
    """Give images of the workspace other metadata."""
    with emulator.world.lock:
        scope = emulator.world.projects[project_id].workspace
        scope.put([scope.images[one]._replace(metadata=metadata) for one in image_ids])


def rows_by_precedence(project: Project, image_id: str) -> list[tuple[Image, Scope]]:
    """Give the rows of one image: the workspace's first, then those of iterations from the newest to the oldest."""
    newest = sorted(project.iterations.values(), key=lambda one: (one.created // 10_000, one.id), reverse=True)
    scopes = [project.workspace, *(one.scope for one in newest)]
    return [(scope.images[image_id], scope) for scope in scopes if image_id in scope.images]

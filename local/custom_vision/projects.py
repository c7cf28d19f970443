"""Operations on domains and projects."""

from collections.abc import Mapping
from typing import Any

from local.custom_vision.call import Call
from local.custom_vision.domains import DEFAULT_DOMAIN, DOMAINS, find_domain, is_detection
from local.custom_vision.errors import ServiceError
from local.custom_vision.model import Project
from local.custom_vision.render import Json, domain_json, project_json
from local.custom_vision.wire import Answer, empty_answer, json_answer
from local.custom_vision.world import World

PROJECT_LIMITS = {"S0": 100, "F0": 2}
_PLATFORMS = ("CoreML", "TensorFlow", "DockerFile", "ONNX", "VAIDK", "OpenVino")
_CLASSIFICATION_TYPES = ("Multiclass", "Multilabel")
_AUGMENTATIONS = ("rotation", "scaling", "translation", "horizontal flip", "equalize", "solarize", "padtosquare")
_STORAGE_SETTINGS = ("exportModelContainerUri", "notificationQueueUri")


def get_domains(call: Call) -> Answer:
    """GetDomains."""
    return json_answer([domain_json(domain, preview=call.preview) for domain in DOMAINS.values()])


def get_domain(call: Call) -> Answer:
    """GetDomain."""
    return json_answer(domain_json(find_domain(call.parameters.id("domainId")), preview=call.preview))


def get_projects(call: Call) -> Answer:
    """GetProjects: all at once, in no defined order."""
    return json_answer([_shown(call, project) for project in call.world.in_order(call.world.projects.values())])


def get_project(call: Call) -> Answer:
    """GetProject."""
    return json_answer(_shown(call, call.project()))


def create_project(call: Call) -> Answer:
    """CreateProject; name, description and domain travel in the query, v3.4-preview options in the body."""
    name = call.parameters.text("name") or ""
    if call.request.body and not name:
        name = str(call.parameters.json_object().get("name", ""))
    _check_name(call.world, name, None)
    if len(call.world.projects) >= PROJECT_LIMITS[call.world.switches.tier]:
        raise ServiceError("BadRequestExceedProjectLimit", "The number of projects exceeds the limit of the tier.")
    project = new_project(call.world, name, call.parameters.text("description") or "", _settings(call))
    project.storage_integration = _storage_integration(call)
    return json_answer(_shown(call, project))


def update_project(call: Call) -> Answer:
    """UpdateProject: name, description and the settings that are given."""
    project = call.writable_project()
    changes = call.parameters.json_object()
    if "name" in changes:
        _check_name(call.world, str(changes["name"]), project)
        project.name = str(changes["name"])
    if changes.get("description") is not None:
        project.description = str(changes["description"])
    _update_settings(project, changes.get("settings") or {})
    project.modified = call.world.now()
    return json_answer(_shown(call, project))


def delete_project(call: Call) -> Answer:
    """DeleteProject: refused while an iteration is published; images, iterations and their blobs go with it."""
    project = call.writable_project()
    for iteration in project.iterations.values():
        if iteration.publish_name is not None:
            text = f"Iteration is already published as: {iteration.publish_name}"
            raise ServiceError("BadRequestIterationIsPublished", text)
    remove_project(call.world, project)
    return empty_answer()


def new_project(world: World, name: str, description: str, settings: dict[str, Any]) -> Project:
    """A project with an empty workspace, put into the world."""
    now = world.now()
    project = Project(world.new_id(), name, description, settings, now, now)
    world.projects[project.id] = project
    return project


def remove_project(world: World, project: Project) -> None:
    """Take the project out of the world, with the blobs that go with it."""
    del world.projects[project.id]
    rows = [image for scope in project.scopes() for image in scope.images.values()]
    for scope in project.scopes():
        scope.images = {}
    world.drop_unheld(project, rows)
    if world.switches.predictions_survive_project:
        world.orphan_predictions += [(project.id, one) for one in project.predictions.values()]
    else:
        world.doom(blob for one in project.predictions.values() for blob in (one.original, one.thumbnail))
    drop_exports(world, project, list(project.iterations))


def drop_exports(world: World, project: Project, iteration_ids: list[str]) -> None:
    """Model packages of iterations that go: doomed with them, or left behind, as switched."""
    for iteration in (project.iterations[one] for one in iteration_ids):
        if world.switches.exports_survive_iteration:
            world.orphan_exports += [(project.id, iteration)] if iteration.exports else []
        else:
            world.doom(export.blob for export in iteration.exports if export.done is not None)


def default_settings(domain_id: str, classification_type: str | None, platforms: list[str]) -> dict[str, Any]:
    """Settings of a new project."""
    return {
        "domainId": domain_id,
        "classificationType": None if is_detection(domain_id) else classification_type or "Multilabel",
        "targetExportPlatforms": platforms,
        "useNegativeSet": True,
        "detectionParameters": None,
        "imageProcessingSettings": {"augmentationMethods": dict.fromkeys(_AUGMENTATIONS, True)},
    }


def unused_name(world: World, name: str) -> str:
    """The name, or the name with the first free ` (n)` behind it."""
    taken = {project.name for project in world.projects.values()}
    candidate, number = name, 0
    while candidate in taken:
        number += 1
        candidate = f"{name} ({number})"
    return candidate


def _shown(call: Call, project: Project) -> Json:
    with_storage = call.preview or call.world.switches.storage_integration_in_v33
    return project_json(project, call.links, with_storage=with_storage)


def _check_name(world: World, name: str, present: Project | None) -> None:
    if not name.strip():
        raise ServiceError("BadRequestProjectName", "The project name is missing.")
    others = (project.name for project in world.projects.values() if project is not present)
    if world.switches.unique_project_names and name in others:
        raise ServiceError("BadRequestProjectNameNotUnique", "A project with this name exists already.")


def _settings(call: Call) -> dict[str, Any]:
    domain_id = call.parameters.guid("domainId") or DEFAULT_DOMAIN.id
    if domain_id not in DOMAINS:
        raise ServiceError("BadRequestProjectUnknownDomain", "The domain is unknown.")
    platforms = [one for one in (call.parameters.text("targetExportPlatforms") or "").split(",") if one]
    if not set(platforms) <= set(_PLATFORMS):
        raise ServiceError("BadRequestProjectUnsupportedExportPlatform", "The export platform is unknown.")
    kind = call.parameters.text("classificationType")
    if kind is not None and kind not in _CLASSIFICATION_TYPES:
        raise ServiceError("BadRequestProjectUnknownClassification", "The classification type is unknown.")
    return default_settings(domain_id, kind, platforms)


def _storage_integration(call: Call) -> dict[str, str]:
    """Both ways that documentation and specification name: query parameters, or `options` in the body."""
    given: Mapping[str, Any] = call.parameters.json_object() if call.request.body else {}
    options = given.get("options") or given
    found = {name: call.parameters.text(name) or options.get(name) for name in _STORAGE_SETTINGS}
    return {name: str(value) for name, value in found.items() if value}


def _update_settings(project: Project, changes: dict[str, Any]) -> None:
    domain_id = changes.get("domainId")
    if domain_id is not None:
        if domain_id not in DOMAINS:
            raise ServiceError("BadRequestProjectUnknownDomain", "The domain is unknown.")
        if is_detection(domain_id) != is_detection(project.settings["domainId"]):
            text = "The type of the domain cannot be changed."
            raise ServiceError("BadRequestProjectUnsupportedDomainTypeChange", text)
    known = {name: value for name, value in changes.items() if name in project.settings and value is not None}
    project.settings = project.settings | known

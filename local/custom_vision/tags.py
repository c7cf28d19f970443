"""Operations on tags."""

from local.custom_vision.call import Call
from local.custom_vision.errors import ServiceError
from local.custom_vision.model import Project, Tag
from local.custom_vision.render import tag_json
from local.custom_vision.scope import Scope
from local.custom_vision.wire import Answer, empty_answer, json_answer

TAG_LIMITS = {"S0": 500, "F0": 50}
_TYPES = ("Regular", "Negative", "GeneralProduct")


def get_tags(call: Call) -> Answer:
    """GetTags of the workspace or of an iteration's copy, in no defined order."""
    scope = call.scope(call.project())
    return json_answer([tag_json(tag, scope) for tag in call.world.in_order(scope.tags.values())])


def get_tag(call: Call) -> Answer:
    """GetTag of the workspace or of an iteration's copy."""
    scope = call.scope(call.project())
    return json_answer(tag_json(find_tag(scope, call.parameters.id("tagId")), scope))


def create_tag(call: Call) -> Answer:
    """CreateTag; an empty description comes back as null."""
    project = call.writable_project()
    kind = call.parameters.choice("type", _TYPES, "Regular")
    name = call.parameters.text("name") or ""
    _check(project, name, kind)
    if len(project.workspace.tags) >= TAG_LIMITS[call.world.switches.tier]:
        raise ServiceError("BadRequestExceedTagPerProjectLimit", "The number of tags exceeds the limit of the tier.")
    tag = Tag(call.world.new_id(), name, call.parameters.text("description") or None, kind)
    project.workspace.put_tag(tag)
    return json_answer(tag_json(tag, project.workspace))


def update_tag(call: Call) -> Answer:
    """UpdateTag: name, description, type. Iterations keep what they had."""
    project = call.writable_project()
    tag = find_tag(project.workspace, call.parameters.id("tagId"))
    changes = call.parameters.json_object()
    name, kind = str(changes.get("name", tag.name)), str(changes.get("type") or tag.type)
    if kind not in _TYPES:
        raise ServiceError("BadRequestTagType", "The tag type is unknown.")
    _check(project, name, kind, tag.id)
    changed = tag._replace(name=name, description=changes.get("description", tag.description) or None, type=kind)
    project.workspace.put_tag(changed)
    return json_answer(tag_json(changed, project.workspace))


def delete_tag(call: Call) -> Answer:
    """DeleteTag: untags the workspace's images and deletes none of them; iterations keep the tag."""
    project = call.writable_project()
    tag_id = call.parameters.id("tagId")
    if tag_id not in project.workspace.tags and call.world.switches.unknown_ids == "ignore":
        return empty_answer()
    find_tag(project.workspace, tag_id)
    project.workspace.remove_tag(tag_id)
    return empty_answer()


def find_tag(scope: Scope, tag_id: str) -> Tag:
    """The tag, or the service's 404."""
    found = scope.tags.get(tag_id)
    if found is None:
        raise ServiceError("NotFoundTag", "Tag not found.")
    return found


def _check(project: Project, name: str, kind: str, present: str | None = None) -> None:
    if not name.strip():
        raise ServiceError("BadRequestTagName", "The tag name is missing.")
    others = [tag for tag in project.workspace.tags.values() if tag.id != present]
    if name in (tag.name for tag in others):
        raise ServiceError("BadRequestTagNameNotUnique", "A tag with this name exists already.")
    if kind == "Negative" and any(tag.type == "Negative" for tag in others):
        raise ServiceError("BadRequestMultipleNegativeTag", "The project has a negative tag already.")

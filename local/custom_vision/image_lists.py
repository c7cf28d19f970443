"""Reading operations on images: lists, counts, by id, and the bytes behind relative paths."""

from random import Random
from typing import Literal

from local.custom_vision.call import Call
from local.custom_vision.errors import ServiceError
from local.custom_vision.metadata_filter import parse_filter
from local.custom_vision.model import BlobName
from local.custom_vision.render import image_json
from local.custom_vision.scope import Page, View
from local.custom_vision.wire import Answer, json_answer
from local.custom_vision.world import PREDICTIONS_CONTAINER

MOST_IMAGE_IDS = 256
MOST_TAG_IDS = 20
MOST_TAKE = 256
DEFAULT_TAKE = 50
Tagging = Literal["All", "Tagged", "Untagged"]


def get_images(call: Call) -> Answer:
    """GetImages: `taggingStatus`, `tagIds`, `$filter`, `orderBy`, `take`, `skip`."""
    return _list(call, _view(call, _tagging_status(call)))


def get_tagged_images(call: Call) -> Answer:
    """GetTaggedImages."""
    return _list(call, _view(call, "Tagged"))


def get_untagged_images(call: Call) -> Answer:
    """GetUntaggedImages."""
    return _list(call, _view(call, "Untagged"))


def get_image_count(call: Call) -> Answer:
    """GetImageCount: a bare integer."""
    return _count(call, _view(call, _tagging_status(call)))


def get_tagged_image_count(call: Call) -> Answer:
    """GetTaggedImageCount: a bare integer."""
    return _count(call, _view(call, "Tagged"))


def get_untagged_image_count(call: Call) -> Answer:
    """GetUntaggedImageCount: a bare integer."""
    return _count(call, _view(call, "Untagged"))


def get_images_by_ids(call: Call) -> Answer:
    """GetImagesByIds: unknown ids are left out, the order is not that of the request."""
    scope = call.scope(call.project())
    wanted = dict.fromkeys(call.parameters.guids("imageIds", MOST_IMAGE_IDS))
    found = [scope.images[one] for one in wanted if one in scope.images]
    return json_answer([image_json(image, scope.tags, call.links) for image in call.world.in_order(found)])


def get_artifact(call: Call) -> Answer:
    """GetArtifact: bytes of one of the project's blobs by relative path, with or without the leading slash."""
    path = call.parameters.required("path").lstrip("/")
    with call.world.lock:
        project_id = call.project().id
    container, _, name = path.partition("/")
    bare = project_id.replace("-", "")
    own = container in (f"i-{bare}", f"m-{bare}", f"prjexp-{bare}")
    if not own and not (container == PREDICTIONS_CONTAINER and name.startswith(f"{project_id}/")):
        raise ServiceError("BadRequestInvalidArtifactUri", "The path does not name an artifact of this project.")
    data = call.store.read(BlobName(container, name))
    if data is None:
        raise ServiceError("NotFound", "The artifact was not found.")
    return Answer(200, data, "application/octet-stream")


def page_of(call: Call) -> Page:
    """`orderBy`, `take` and `skip` of the query."""
    newest = call.parameters.choice("orderBy", ("Newest", "Oldest"), "Newest") == "Newest"
    shuffle: Random | None = call.world.orders if call.world.switches.tie_order == "unstable" else None
    take = call.parameters.number("take", DEFAULT_TAKE, 0, MOST_TAKE)
    return Page(newest, call.parameters.number("skip", 0, 0, 10**9), take, shuffle)


def _list(call: Call, view: View) -> Answer:
    scope = call.scope(call.project())
    rows = scope.page(view, page_of(call))
    return json_answer([image_json(image, scope.tags, call.links) for image in rows])


def _count(call: Call, view: View) -> Answer:
    return json_answer(call.scope(call.project()).count(view))


def _view(call: Call, tagging: Tagging) -> View:
    tag_ids = frozenset(call.parameters.guids("tagIds", MOST_TAG_IDS)) if tagging != "Untagged" else frozenset()
    text = call.parameters.text("$filter") or ""
    return View(tagging, tag_ids, text, parse_filter(text) if text else None)


def _tagging_status(call: Call) -> Tagging:
    chosen = call.parameters.choice("taggingStatus", ("All", "Tagged", "Untagged"), "All")
    tagging: Tagging = "Tagged" if chosen == "Tagged" else "Untagged" if chosen == "Untagged" else "All"
    return tagging

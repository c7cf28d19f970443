"""Suggested tags: made for untagged images, stored by the service, queried by iteration."""

from local.custom_vision.call import Call, find_image, find_iteration
from local.custom_vision.clock import date_without_zone
from local.custom_vision.domains import is_detection
from local.custom_vision.errors import ServiceError
from local.custom_vision.guessing import guesses, uncertainty
from local.custom_vision.model import Guess, Iteration, Project, Suggestion
from local.custom_vision.predicting import TAG_TYPE_SINCE
from local.custom_vision.render import Json, image_json, suggestion_json
from local.custom_vision.wire import Answer, as_guid, json_answer

MOST_IMAGES = 64
_SESSION = "2:523"
_SORTS = ("UncertaintyAscending", "UncertaintyDescending")


def suggest_tags_and_regions(call: Call) -> Answer:
    """SuggestTagsAndRegions: makes suggestions for at most 64 images and stores them."""
    project = call.writable_project()
    iteration = _trained(call, project)
    made = []
    for image_id in call.parameters.guids("imageIds", MOST_IMAGES):
        image = find_image(project.workspace, image_id)
        found = guesses(
            image.content.sha256, list(iteration.scope.tags.values()), detection=is_detection(iteration.domain_id)
        )
        suggestion = Suggestion(image_id, iteration.id, call.world.now(), found, uncertainty(found))
        project.suggestions[(iteration.id, image_id)] = suggestion
        made.append(suggestion_json(suggestion, project.id, with_type=call.version >= TAG_TYPE_SINCE))
    return json_answer(made)


def query_suggested_images(call: Call) -> Answer:
    """QuerySuggestedImages: stored suggestions for images that are still untagged, in one page."""
    project, query = call.project(), call.parameters.json_object()
    iteration = _trained(call, project)
    sort = query.get("sortBy") or _SORTS[0]
    if sort not in _SORTS:
        raise ServiceError("BadRequest", "sortBy is not valid.")
    wanted = {as_guid(one) for one in query.get("tagIds") or ()} or set(iteration.scope.tags)
    rows = [one for one in _open(project, iteration) if _top(one, wanted, query) is not None]
    rows.sort(key=lambda one: one.uncertainty, reverse=sort == _SORTS[1])
    rows = rows[: query.get("maxCount") or len(rows)]
    token = {name: query.get(name) for name in ("tagIds", "threshold")} | {
        "session": query.get("session") or _SESSION,
        "continuation": None,
        "maxCount": query.get("maxCount") or 0,
        "sortBy": sort,
    }
    return json_answer({"token": token, "results": [_stored(call, project, iteration, one) for one in rows]})


def query_suggested_image_count(call: Call) -> Answer:
    """QuerySuggestedImageCount: tag id → number of images for which that tag is the suggestion."""
    project, query = call.project(), call.parameters.json_object()
    iteration = _trained(call, project)
    wanted = [as_guid(one) for one in query.get("tagIds") or iteration.scope.tags]
    tops = [_top(one, set(wanted), query) for one in _open(project, iteration)]
    return json_answer({tag_id: sum(1 for top in tops if top and top.tag_id == tag_id) for tag_id in wanted})


def _trained(call: Call, project: Project) -> Iteration:
    iteration_id = call.parameters.guid("iterationId")
    if iteration_id is None:
        raise ServiceError("BadRequestRequiredParamIsNull", "iterationId is required.")
    iteration = find_iteration(project, iteration_id)
    if iteration.trained is None:
        raise ServiceError("BadRequestIterationIsNotTrained", "The iteration is not trained.")
    return iteration


def _open(project: Project, iteration: Iteration) -> list[Suggestion]:
    images = project.workspace.images
    return [
        one
        for one in project.suggestions.values()
        if one.iteration_id == iteration.id and one.image_id in images and not images[one.image_id].tags
    ]


def _top(suggestion: Suggestion, wanted: set[str], query: Json) -> Guess | None:
    top = suggestion.guesses[0] if suggestion.guesses else None
    if top is None or top.tag_id not in wanted or top.probability < float(query.get("threshold") or 0):
        return None
    return top


def _stored(call: Call, project: Project, iteration: Iteration, suggestion: Suggestion) -> Json:
    """A StoredSuggestedTagAndRegion; its `created` has no zone, as recorded."""
    image = image_json(project.workspace.images[suggestion.image_id], None, call.links)
    kept = {name: image[name] for name in ("width", "height", "resizedImageUri", "thumbnailUri", "originalImageUri")}
    row = suggestion_json(suggestion, project.id, with_type=call.version >= TAG_TYPE_SINCE)
    return kept | {"domain": iteration.domain_id} | row | {"created": date_without_zone(suggestion.created)}

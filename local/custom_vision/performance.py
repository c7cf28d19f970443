"""Operations on how well an iteration did, overall and per held-out image. All numbers are invented but constant."""

from local.custom_vision.call import Call
from local.custom_vision.domains import is_detection
from local.custom_vision.errors import ServiceError
from local.custom_vision.guessing import guesses
from local.custom_vision.image_lists import MOST_TAG_IDS, page_of
from local.custom_vision.model import Image, Iteration
from local.custom_vision.render import Json, image_performance_json
from local.custom_vision.scope import View
from local.custom_vision.wire import Answer, json_answer

_HELD_OUT = 5  # one image of so many was kept back, as in a recorded training of ten images
_SCORES: Json = {"precision": 1.0, "precisionStdDeviation": 0.0, "recall": 1.0, "recallStdDeviation": 0.0}


def get_iteration_performance(call: Call) -> Answer:
    """GetIterationPerformance."""
    iteration = _trained(call)
    scores = _SCORES | {"averagePrecision": 1.0}
    per_tag = [{"id": tag.id, "name": tag.name} | scores for tag in call.world.in_order(iteration.scope.tags.values())]
    return json_answer({"perTagPerformance": per_tag} | scores)


def get_image_performances(call: Call) -> Answer:
    """GetImagePerformances of the held-out images."""
    iteration = _trained(call)
    tags = list(iteration.scope.tags.values())
    detection = is_detection(iteration.domain_id)
    rows = [
        image_performance_json(
            image, guesses(image.content.sha256, tags, detection=detection), iteration.scope, call.links
        )
        for image in iteration.scope.page(_view(call), page_of(call))
    ]
    return json_answer(rows)


def get_image_performance_count(call: Call) -> Answer:
    """GetImagePerformanceCount: a bare integer."""
    return json_answer(_trained(call).scope.count(_view(call)))


def _trained(call: Call) -> Iteration:
    iteration = call.iteration(call.project())
    if iteration.trained is None:
        raise ServiceError("BadRequestIterationIsNotTrained", "The iteration is not trained.")
    return iteration


def _view(call: Call) -> View:
    tag_ids = frozenset(call.parameters.guids("tagIds", MOST_TAG_IDS))
    return View("Tagged", tag_ids, "held out", _is_held_out)


def _is_held_out(image: Image) -> bool:
    return int(image.id[:8], 16) % _HELD_OUT == 0

"""Stored predictions: the paged query and the deletion."""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local.custom_vision.call import Call
from local.custom_vision.clock import ticks
from local.custom_vision.errors import ServiceError
from local.custom_vision.model import Project, StoredPrediction
from local.custom_vision.predicting import TAG_TYPE_SINCE
from local.custom_vision.render import Json, stored_prediction_json
from local.custom_vision.wire import Answer, as_guid, empty_answer, json_answer

MOST_PREDICTION_IDS = 64
MOST_QUERY_TAGS = 2
_SESSION = "2:4193293"
_ORDERS = ("Newest", "Oldest", "Suggested")
_TOKEN_FIELDS = ("maxCount", "orderBy", "tags", "iterationId", "startTime", "endTime", "application")
Condition = Callable[[StoredPrediction], bool]
SortKey = Callable[[StoredPrediction], tuple[float, str]]


def query_predictions(call: Call) -> Answer:
    """QueryPredictions: pages by token; the last page's continuation is null or empty, as switched."""
    project, token = call.project(), call.parameters.json_object()
    order = token.get("orderBy") or "Newest"
    if order not in _ORDERS:
        raise _invalid("orderBy")
    conditions = _conditions(call, project, token)
    rows = [one for one in project.predictions.values() if all(holds(one) for holds in conditions)]
    key = _sort_key(order)
    rows.sort(key=key)
    start, size = _start(token, rows, key), _page_size(call, token)
    page, rest = rows[start : start + size], rows[start + size :]
    end = None if call.world.switches.prediction_end == "null" else ""
    continuation = _continuation(key(page[-1])) if rest and page else end
    with_type = call.version >= TAG_TYPE_SINCE
    shown = [stored_prediction_json(one, project.id, call.links, with_type=with_type) for one in page]
    return json_answer({"token": _next_token(token, order, continuation), "results": shown})


def delete_prediction(call: Call) -> Answer:
    """DeletePrediction: at most 64 ids; the stored pictures go with them."""
    project = call.writable_project()
    ids = call.parameters.guids("ids", MOST_PREDICTION_IDS, "BadRequestPredictionIdsExceededCount")
    if not ids:
        raise ServiceError("BadRequestPredictionIdsMissing", "ids is required.")
    if call.world.switches.unknown_ids == "not_found" and not set(ids) <= set(project.predictions):
        raise ServiceError("NotFound", "At least one prediction is unknown.")
    gone = [one for one in (project.predictions.pop(each, None) for each in ids) if one is not None]
    call.world.doom(blob for one in gone for blob in (one.original, one.thumbnail))
    return empty_answer()


def _conditions(call: Call, project: Project, token: Json) -> list[Condition]:
    found: list[Condition] = []
    iteration_id = _iteration_id(call, project, token)
    if iteration_id:
        found.append(lambda one: one.iteration_id == iteration_id)
    start, end = _moment(token, "startTime"), _moment(token, "endTime")
    if start is not None:
        found.append(lambda one: one.created >= start)
    if end is not None:
        found.append(lambda one: one.created <= end)
    if token.get("application"):
        found.append(lambda one: one.application == token["application"])
    tags = token.get("tags") or []
    if len(tags) > MOST_QUERY_TAGS:
        raise ServiceError("BadRequestPredictionTagsExceededCount", f"At most {MOST_QUERY_TAGS} tags are allowed.")
    if tags:
        found.append(lambda one: any(_within(one, tag) for tag in tags))
    return found


def _iteration_id(call: Call, project: Project, token: Json) -> str | None:
    if token.get("iterationId"):
        return as_guid(token["iterationId"])
    if call.world.switches.predictions_without_iteration == "newest" and project.iterations:
        return max(project.iterations.values(), key=lambda one: one.created).id
    return None


def _within(prediction: StoredPrediction, tag: dict[str, Any]) -> bool:
    least, most = float(tag.get("minThreshold", 0)), float(tag.get("maxThreshold", 1))
    return any(one.tag_id == tag.get("id") and least <= one.probability <= most for one in prediction.guesses)


def _moment(token: Json, name: str) -> int | None:
    text = token.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise _invalid(name) from None
    return ticks((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _sort_key(order: str) -> SortKey:
    if order == "Suggested":
        return lambda one: (max((guess.probability for guess in one.guesses), default=0.0), one.id)
    sign = 1 if order == "Oldest" else -1
    return lambda one: (sign * one.created, one.id)


def _start(token: Json, rows: list[StoredPrediction], key: SortKey) -> int:
    """Index of the first row behind the one that the continuation names, by sort key: that row may be gone by now."""
    text = token.get("continuation")
    if not text:
        return 0
    try:
        number, _, last_id = base64.b64decode(str(text), validate=True).decode().partition("|")
        last = (float(number), last_id)
    except (binascii.Error, ValueError):
        raise _invalid("continuation") from None
    return next((index for index, row in enumerate(rows) if key(row) > last), len(rows))


def _continuation(last: tuple[float, str]) -> str:
    return base64.b64encode(f"{last[0]!r}|{last[1]}".encode()).decode()


def _page_size(call: Call, token: Json) -> int:
    wanted, switches = token.get("maxCount") or 0, call.world.switches
    if not isinstance(wanted, int) or wanted < 0:
        raise _invalid("maxCount")
    if switches.prediction_max_count and wanted > switches.prediction_max_count:
        text = f"At most {switches.prediction_max_count} results are allowed."
        raise ServiceError("BadRequestPredictionResultsExceededCount", text)
    return wanted or switches.prediction_default_count


def _next_token(token: Json, order: str, continuation: str | None) -> Json:
    echoed = {name: token.get(name) for name in _TOKEN_FIELDS}
    echoed |= {"orderBy": order, "maxCount": token.get("maxCount") or 0}
    return {"session": token.get("session") or _SESSION, "continuation": continuation} | echoed


def _invalid(name: str) -> ServiceError:
    return ServiceError("BadRequestPredictionInvalidQueryParameters", f"{name} is not valid.")

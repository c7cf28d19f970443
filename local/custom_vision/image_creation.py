"""Operations that add training images: from form data, base64 files, links, stored predictions."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from local.custom_vision.call import Call
from local.custom_vision.errors import ServiceError
from local.custom_vision.image_lists import MOST_TAG_IDS
from local.custom_vision.intake import decoded, fetched, uploaded_files
from local.custom_vision.labels import checked_metadata, new_regions, refuse_mixed_tags
from local.custom_vision.model import BlobName, Content, Image, Project, TagLink
from local.custom_vision.picture import NotAPictureError, examine, thumbnail
from local.custom_vision.render import Json, image_json
from local.custom_vision.tags import find_tag
from local.custom_vision.wire import Answer, as_guid, json_answer
from local.custom_vision.world import World, image_blobs

MOST_IMAGES = 64
MOST_BYTES = 6 * 1024 * 1024
IMAGE_LIMITS = {"S0": 100_000, "F0": 5_000}
MOST_TAGS_PER_IMAGE = 100
MOST_REGIONS_PER_IMAGE = 300


class Candidate(NamedTuple):
    """One image of a batch: where it came from, its bytes (None: unreadable), its own tags and regions."""

    source: str
    data: bytes | None
    tag_ids: tuple[str, ...] = ()
    regions: tuple[Mapping[str, Any], ...] = ()


class Batch(NamedTuple):
    """Images to add, with the tags and metadata that all of them get."""

    candidates: list[Candidate]
    tag_ids: tuple[str, ...]
    metadata: Mapping[str, str] | None


def create_images_from_data(call: Call) -> Answer:
    """CreateImagesFromData: a multipart form; `sourceUrl` is the file name in quotes."""
    tag_ids = tuple(call.parameters.guids("tagIds", MOST_TAG_IDS))
    files = uploaded_files(call.request)
    return _create(call, Batch([Candidate(f'"{name}"', data) for name, data in files], tag_ids, None))


def create_images_from_files(call: Call) -> Answer:
    """CreateImagesFromFiles: base64 contents."""
    body, entries = _entries(call)
    made = [_candidate(entry, str(entry.get("name", "")), decoded(entry.get("contents", ""))) for entry in entries]
    return _create(call, _batch(body, made))


def create_images_from_urls(call: Call) -> Answer:
    """CreateImagesFromUrls: links to this machine only; all others are ErrorSource."""
    body, entries = _entries(call)
    made = [_candidate(entry, str(entry.get("url", "")), fetched(str(entry.get("url", "")))) for entry in entries]
    return _create(call, _batch(body, made))


def create_images_from_predictions(call: Call) -> Answer:
    """CreateImagesFromPredictions: the images of stored predictions become training images, the predictions stay."""
    body, entries = _entries(call)
    made = []
    for entry in entries:
        prediction_id = as_guid(entry.get("id"))
        with call.world.lock:
            stored = call.project().predictions.get(prediction_id)
        made.append(_candidate(entry, prediction_id, call.store.read(stored.original) if stored else None))
    return _create(call, _batch(body, made))


def tied_ticks(world: World, count: int) -> list[int]:
    """`created` of an upload batch: rising, but shared by runs of one to four images, as recorded batches show."""
    made: list[int] = []
    while len(made) < count:
        made += [world.now()] * min(world.orders.randint(1, 4), count - len(made))
    return made


def _create(call: Call, batch: Batch) -> Answer:
    with call.world.lock:
        project = call.writable_project()
        _check_tags(project, batch)
        ticks = tied_ticks(call.world, len(batch.candidates))
        ids = [call.world.new_id() for _ in batch.candidates]
    results = [
        _one(call, project, batch, candidate, image_id, tick)
        for candidate, image_id, tick in zip(batch.candidates, ids, ticks, strict=True)
    ]
    successful = all(result["status"] == "OK" for result in results)
    body = {"isBatchSuccessful": successful, "images": results}
    return json_answer(body, 200 if successful else 207)


def _one(call: Call, project: Project, batch: Batch, candidate: Candidate, image_id: str, tick: int) -> Json:
    """Store the bytes outside the lock, then add the row under it."""
    content, status = _content(candidate.data)
    if content is None or candidate.data is None:
        return {"sourceUrl": candidate.source, "status": status, "image": None}
    original, small = image_blobs(project.id, image_id)
    with call.world.lock:
        duplicate = _same_bytes(project, content)
        if duplicate is not None:
            row = image_json(duplicate, None, call.links)
            return {"sourceUrl": candidate.source, "status": "OKDuplicate", "image": row}
        if len(project.workspace.images) >= IMAGE_LIMITS[call.world.switches.tier]:
            return {"sourceUrl": candidate.source, "status": "ErrorLimitExceed", "image": None}
    if not _store(call, original, small, candidate.data, content):
        return {"sourceUrl": candidate.source, "status": "ErrorImageFormat", "image": None}
    with call.world.lock:
        image = _row(call, batch, candidate, Image(image_id, tick, content, original, small))
        if len(image.tags) > MOST_TAGS_PER_IMAGE or len(image.regions) > MOST_REGIONS_PER_IMAGE:
            call.world.doom([original, small])
            kind = "ErrorTagLimitExceed" if len(image.tags) > MOST_TAGS_PER_IMAGE else "ErrorRegionLimitExceed"
            return {"sourceUrl": candidate.source, "status": kind, "image": None}
        project.workspace.put([image])
        call.world.use_blobs([image])
        return {"sourceUrl": candidate.source, "status": "OK", "image": image_json(image, None, call.links)}


def _row(call: Call, batch: Batch, candidate: Candidate, bare: Image) -> Image:
    tagged_at = call.world.now()
    regions = new_regions(call.world, candidate.regions)
    wanted = dict.fromkeys((*batch.tag_ids, *candidate.tag_ids, *(region.tag_id for region in regions)))
    tags = tuple(TagLink(tag_id, tagged_at) for tag_id in wanted)
    return bare._replace(tags=tags, regions=regions, metadata=batch.metadata)


def _content(data: bytes | None) -> tuple[Content | None, str]:
    if data is None:
        return None, "ErrorSource"
    if len(data) > MOST_BYTES:
        return None, "ErrorImageSize"
    try:
        return examine(data), "OK"
    except NotAPictureError:
        return None, "ErrorImageFormat"


def _store(call: Call, original: BlobName, small: BlobName, data: bytes, content: Content) -> bool:
    try:
        thumb = thumbnail(data)
    except NotAPictureError:
        return False
    call.store.put(original, data, content.media_type)
    call.store.put(small, thumb, "image/jpeg")
    return True


def _same_bytes(project: Project, content: Content) -> Image | None:
    return next((one for one in project.workspace.images.values() if one.content.sha256 == content.sha256), None)


def _entries(call: Call) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    body = call.parameters.json_object()
    entries = body.get("images")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise ServiceError("BadRequestImageBatch", "The batch holds no images.")
    return body, entries


def _candidate(entry: dict[str, Any], source: str, data: bytes | None) -> Candidate:
    tag_ids = tuple(as_guid(one) for one in entry.get("tagIds") or ())
    return Candidate(source, data, tag_ids, tuple(entry.get("regions") or ()))


def _batch(body: dict[str, Any], candidates: list[Candidate]) -> Batch:
    metadata = body.get("metadata")
    tag_ids = tuple(as_guid(one) for one in body.get("tagIds") or ())
    return Batch(candidates, tag_ids, checked_metadata(metadata) if metadata else None)


def _check_tags(project: Project, batch: Batch) -> None:
    if not batch.candidates:
        raise ServiceError("BadRequestImageBatch", "The batch holds no images.")
    if len(batch.candidates) > MOST_IMAGES:
        raise ServiceError("BadRequestExceededBatchSize", f"At most {MOST_IMAGES} images can be sent at once.")
    for candidate in batch.candidates:
        region_tags = [as_guid(region.get("tagId")) for region in candidate.regions]
        tag_ids = {*batch.tag_ids, *candidate.tag_ids, *region_tags}
        if len(batch.tag_ids) > MOST_TAG_IDS:
            raise ServiceError("BadRequestExceededBatchSize", f"At most {MOST_TAG_IDS} tags can be given at once.")
        refuse_mixed_tags([find_tag(project.workspace, tag_id) for tag_id in tag_ids])

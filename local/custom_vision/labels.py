"""Operations on what hangs on images: tags, regions, metadata."""

from collections.abc import Iterable, Mapping
from typing import Any

from local.custom_vision.call import Call
from local.custom_vision.errors import ServiceError
from local.custom_vision.image_lists import MOST_IMAGE_IDS, MOST_TAG_IDS
from local.custom_vision.model import Image, Project, Region, Tag, TagLink
from local.custom_vision.render import Json, region_json
from local.custom_vision.scope import without_tags
from local.custom_vision.tags import find_tag
from local.custom_vision.wire import Answer, as_guid, empty_answer, json_answer
from local.custom_vision.world import World

MOST_LABELS = 64
MOST_METADATA_PAIRS, MOST_KEY, MOST_VALUE = 50, 256, 512
MOST_TAGS_PER_IMAGE = 100
MOST_REGIONS_PER_IMAGE = 300
_BOX = ("left", "top", "width", "height")


def create_image_tags(call: Call) -> Answer:
    """CreateImageTags: tells which links are new, which were there, which exceed the limit of an image."""
    project = call.writable_project()
    answer: dict[str, list[Json]] = {"created": [], "duplicated": [], "exceeded": []}
    for entry in _entries(call, "tags"):
        image = _image(project, entry)
        tag = find_tag(project.workspace, as_guid(entry.get("tagId")))
        fate = _link_fate(image, tag)
        if fate == "created":
            refuse_mixed_tags([tag, *(project.workspace.tags[link.tag_id] for link in image.tags)])
            project.workspace.put([_tagged(call.world, image, tag.id)])
        answer[fate].append({"imageId": image.id, "tagId": tag.id})
    return json_answer(answer)


def create_image_regions(call: Call) -> Answer:
    """CreateImageRegions: a region brings its tag onto the image; the created ones have no tag name yet."""
    project = call.writable_project()
    answer: dict[str, list[Json]] = {"created": [], "duplicated": [], "exceeded": []}
    for entry in _entries(call, "regions"):
        image = _image(project, entry)
        find_tag(project.workspace, as_guid(entry.get("tagId")))
        (region,) = new_regions(call.world, [entry])
        if any((one.tag_id, *one[3:]) == (region.tag_id, *region[3:]) for one in image.regions):
            answer["duplicated"].append(_asked(entry))
        elif len(image.regions) >= MOST_REGIONS_PER_IMAGE:
            answer["exceeded"].append(_asked(entry))
        else:
            tagged = _tagged(call.world, image, region.tag_id)
            project.workspace.put([tagged._replace(regions=(*image.regions, region))])
            answer["created"].append({"imageId": image.id} | region_json(region, None))
    return json_answer(answer)


def delete_image_tags(call: Call) -> Answer:
    """DeleteImageTags: an image that loses its last tag is untagged from then on; regions go with their tag."""
    project = call.writable_project()
    image_ids = call.parameters.guids("imageIds", MOST_LABELS)
    tag_ids = set(call.parameters.guids("tagIds", MOST_TAG_IDS))
    if not image_ids or not tag_ids:
        raise ServiceError("BadRequestRequiredParamIsNull", "imageIds and tagIds are required.")
    images = project.workspace.images
    _refuse_unknown(call.world, image_ids, images, "NotFoundImage")
    project.workspace.put([without_tags(images[one], tag_ids) for one in image_ids if one in images])
    return empty_answer()


def delete_image_regions(call: Call) -> Answer:
    """DeleteImageRegions: with the last region of a tag, the tag leaves the image."""
    project = call.writable_project()
    region_ids = set(call.parameters.guids("regionIds", MOST_LABELS))
    if not region_ids:
        raise ServiceError("BadRequestRequiredParamIsNull", "regionIds is required.")
    owners = {region.id: image for image in project.workspace.images.values() for region in image.regions}
    _refuse_unknown(call.world, region_ids, owners, "NotFoundImage")
    touched = {owners[one].id: owners[one] for one in region_ids if one in owners}
    project.workspace.put([_without_regions(image, region_ids) for image in touched.values()])
    return empty_answer()


def update_image_metadata(call: Call) -> Answer:
    """UpdateImageMetadata: the given pairs replace what the images had."""
    project = call.writable_project()
    image_ids = call.parameters.guids("imageIds", MOST_IMAGE_IDS)
    if not image_ids:
        raise ServiceError("BadRequestRequiredParamIsNull", "imageIds is required.")
    metadata = checked_metadata(call.parameters.json_object())
    images = project.workspace.images
    found = [images[one] for one in image_ids if one in images]
    project.workspace.put([image._replace(metadata=metadata) for image in found])
    results = [_metadata_result(one, one in images, metadata) for one in image_ids]
    successful = len(found) == len(image_ids)
    return json_answer({"isBatchSuccessful": successful, "images": results}, 200 if successful else 207)


def checked_metadata(value: Any) -> Mapping[str, str]:  # noqa: ANN401 - comes from JSON
    """Metadata within the limits of v3.3: 50 pairs, keys of 256 and values of 512 characters."""
    if not isinstance(value, dict) or len(value) > MOST_METADATA_PAIRS:
        raise ServiceError("BadRequestImageMetadataKey", f"At most {MOST_METADATA_PAIRS} pairs are allowed.")
    if not all(0 < len(key) <= MOST_KEY for key in value):
        raise ServiceError("BadRequestImageMetadataKey", f"A key has at most {MOST_KEY} characters.")
    if not all(isinstance(text, str) and len(text) <= MOST_VALUE for text in value.values()):
        raise ServiceError("BadRequestImageMetadataValue", f"A value has at most {MOST_VALUE} characters.")
    return dict(value)


def new_regions(world: World, boxes: Iterable[Mapping[str, Any]]) -> tuple[Region, ...]:
    """Regions with fresh ids; ServiceError for a box that is no box of fractions within the image."""
    made = []
    for box in boxes:
        sides = [box.get(side) for side in _BOX]
        if not all(isinstance(side, (int, float)) and 0 <= side <= 1 for side in sides):
            raise ServiceError("BadRequestImageRegions", "A region's numbers are fractions from 0 to 1.")
        left, top, width, height = (float(str(side)) for side in sides)
        made.append(Region(world.new_id(), as_guid(box.get("tagId")), world.now(), left, top, width, height))
    return tuple(made)


def refuse_mixed_tags(tags: Iterable[Tag]) -> None:
    """A negative tag cannot share an image with another."""
    kinds = [tag.type for tag in tags]
    if "Negative" in kinds and len(kinds) > 1:
        text = "An image cannot have a negative and a regular tag."
        raise ServiceError("BadRequestNegativeAndRegularTagOnSameImage", text)


def _entries(call: Call, name: str) -> list[dict[str, Any]]:
    entries = call.parameters.json_object().get(name)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ServiceError("BadRequestImageBatch", f"The batch holds no {name}.")
    if len(entries) > MOST_LABELS:
        raise ServiceError("BadRequestExceededBatchSize", f"At most {MOST_LABELS} {name} can be sent at once.")
    return entries


def _image(project: Project, entry: Mapping[str, Any]) -> Image:
    found = project.workspace.images.get(as_guid(entry.get("imageId")))
    if found is None:
        raise ServiceError("NotFoundImage", "Image not found.")
    return found


def _link_fate(image: Image, tag: Tag) -> str:
    if any(link.tag_id == tag.id for link in image.tags):
        return "duplicated"
    return "exceeded" if len(image.tags) >= MOST_TAGS_PER_IMAGE else "created"


def _tagged(world: World, image: Image, tag_id: str) -> Image:
    if any(link.tag_id == tag_id for link in image.tags):
        return image
    return image._replace(tags=(*image.tags, TagLink(tag_id, world.now())))


def _without_regions(image: Image, region_ids: set[str]) -> Image:
    kept = tuple(region for region in image.regions if region.id not in region_ids)
    lost = {region.tag_id for region in image.regions} - {region.tag_id for region in kept}
    return image._replace(regions=kept, tags=tuple(link for link in image.tags if link.tag_id not in lost))


def _refuse_unknown(world: World, ids: Iterable[str], known: Mapping[str, Any], code: str) -> None:
    if world.switches.unknown_ids == "not_found" and any(one not in known for one in ids):
        raise ServiceError(code, "At least one id is unknown.")


def _asked(entry: Mapping[str, Any]) -> Json:
    return {name: entry.get(name) for name in ("imageId", "tagId", *_BOX)}


def _metadata_result(image_id: str, found: bool, metadata: Mapping[str, str]) -> Json:
    if not found:
        return {"imageId": image_id, "status": "ErrorImageNotFound", "metadata": None}
    return {"imageId": image_id, "status": "OK", "metadata": dict(metadata)}

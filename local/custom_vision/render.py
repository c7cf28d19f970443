"""Objects as the service's JSON, with the keys that real answers leave out left out here too."""

from collections.abc import Iterable
from typing import Any

from local.custom_vision.call import Links
from local.custom_vision.clock import TICKS_PER_SECOND, date_with_zone, date_without_zone
from local.custom_vision.domains import Domain
from local.custom_vision.model import (
    Export,
    Guess,
    Image,
    Iteration,
    Project,
    Region,
    StoredPrediction,
    Suggestion,
    Tag,
)
from local.custom_vision.scope import Scope

Json = dict[str, Any]


def domain_json(domain: Domain, *, preview: bool = False) -> Json:
    """A Domain; v3.4-preview adds the platforms."""
    base: Json = {
        "id": domain.id,
        "name": domain.name,
        "type": domain.type,
        "exportable": domain.exportable,
        "enabled": True,
    }
    return base | ({"exportablePlatforms": domain.platforms, "modelInformation": None} if preview else {})


def project_json(project: Project, links: Links, *, with_storage: bool = False) -> Json:
    """A Project; `with_storage` adds the storage-integration settings, where they are set."""
    images = project.workspace.images
    first = next(iter(images.values()), None)
    settings = project.settings | (project.storage_integration if with_storage else {})
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "settings": settings,
        "created": date_with_zone(project.created),
        "lastModified": date_with_zone(project.modified),
        "thumbnailUri": links.uri(first.thumbnail, first.id) if first else None,
        "drModeEnabled": project.read_only,
        "status": project.status,
    }


def tag_json(tag: Tag, scope: Scope) -> Json:
    """A Tag with the number of images that carry it in this scope."""
    return {
        "id": tag.id,
        "name": tag.name,
        "description": tag.description,
        "type": tag.type,
        "imageCount": scope.image_count(tag.id),
    }


def image_json(image: Image, names: dict[str, Tag] | None, links: Links) -> Json:
    """An Image. `names` gives the tags' names; None leaves them null, as in the answers of create calls."""
    original = links.uri(image.original, image.id)
    row: Json = _image_head(image) | {
        # The service keeps one blob for both.
        "resizedImageUri": original,
        "thumbnailUri": links.uri(image.thumbnail, image.id),
        "originalImageUri": original,
    }
    row |= _labels_json(image, names)
    if image.metadata:
        row["metadata"] = dict(image.metadata)
    return row


def image_performance_json(image: Image, guesses: Iterable[Guess], scope: Scope, links: Links) -> Json:
    """An ImagePerformance: one `imageUri`, and what the iteration predicts for the image."""
    row: Json = {"predictions": [guess_json(guess, with_type=True) for guess in guesses]}
    row |= _image_head(image)
    row["imageUri"] = links.uri(image.original, image.id)
    row["thumbnailUri"] = links.uri(image.thumbnail, image.id)
    return row | _labels_json(image, scope.tags)


def region_json(region: Region, names: dict[str, Tag] | None) -> Json:
    """An ImageRegion."""
    return {
        "regionId": region.id,
        "tagName": _tag_name(region.tag_id, names),
        "created": date_without_zone(region.created),
        "tagId": region.tag_id,
        "left": region.left,
        "top": region.top,
        "width": region.width,
        "height": region.height,
    }


def iteration_json(iteration: Iteration, project_id: str, exportable_to: list[str], *, preview: bool = False) -> Json:
    """An Iteration; `trainedAt` is absent until it is trained, the domain null while training."""
    trained = iteration.trained is not None
    row: Json = {
        "id": iteration.id,
        "name": iteration.name,
        "status": iteration.status,
        "created": date_with_zone(iteration.created),
        "lastModified": date_with_zone(iteration.modified),
    }
    if iteration.trained is not None:
        row["trainedAt"] = date_with_zone(iteration.trained)
    row |= {
        "projectId": project_id,
        "exportable": trained and bool(exportable_to),
        "exportableTo": exportable_to if trained and not (preview and not exportable_to) else None,
        "domainId": iteration.domain_id if trained else None,
        "classificationType": iteration.classification_type if trained else None,
        "trainingType": iteration.training_type,
        "reservedBudgetInHours": iteration.reserved_hours,
        "trainingTimeInMinutes": _minutes(iteration),
        "publishName": iteration.publish_name,
        "originalPublishResourceId": iteration.publish_target,
    }
    return row | ({"customBaseModelInfo": None, "trainingErrorDetails": None} if preview else {})


def export_json(export: Export, uri: str | None) -> Json:
    """An Export; `downloadUri` is null until it is done."""
    return {
        "platform": export.platform,
        "status": "Exporting" if export.done is None else "Done",
        "downloadUri": uri,
        "flavor": export.flavor,
        "newerVersionAvailable": False,
    }


def guess_json(guess: Guess, *, with_type: bool) -> Json:
    """A Prediction; `boundingBox` only in object detection, `tagType` only from v3.3 on."""
    row: Json = {"probability": guess.probability, "tagId": guess.tag_id, "tagName": guess.tag_name}
    if guess.box is not None:
        row["boundingBox"] = dict(zip(("left", "top", "width", "height"), guess.box, strict=True))
    if with_type:
        row["tagType"] = guess.tag_type
    return row


def stored_prediction_json(prediction: StoredPrediction, project_id: str, links: Links, *, with_type: bool) -> Json:
    """A StoredImagePrediction."""
    original = links.uri(prediction.original, prediction.id)
    return {
        "resizedImageUri": original,
        "thumbnailUri": links.uri(prediction.thumbnail, prediction.id),
        "originalImageUri": original,
        "domain": prediction.domain_id,
        "id": prediction.id,
        "project": project_id,
        "iteration": prediction.iteration_id,
        "created": date_with_zone(prediction.created),
        "predictions": [guess_json(guess, with_type=with_type) for guess in prediction.guesses],
    }


def suggestion_json(suggestion: Suggestion, project_id: str, *, with_type: bool) -> Json:
    """A SuggestedTagAndRegion."""
    return {
        "id": suggestion.image_id,
        "project": project_id,
        "iteration": suggestion.iteration_id,
        "created": date_with_zone(suggestion.created),
        "predictions": [guess_json(guess, with_type=with_type) for guess in suggestion.guesses],
        "predictionUncertainty": suggestion.uncertainty,
    }


def _image_head(image: Image) -> Json:
    return {
        "id": image.id,
        "created": date_without_zone(image.created),
        "width": image.content.width,
        "height": image.content.height,
    }


def _labels_json(image: Image, names: dict[str, Tag] | None) -> Json:
    labels: Json = {}
    if image.tags:
        labels["tags"] = [
            {"tagId": link.tag_id, "tagName": _tag_name(link.tag_id, names), "created": date_without_zone(link.created)}
            for link in image.tags
        ]
    if image.regions:
        labels["regions"] = [region_json(region, names) for region in image.regions]
    return labels


def _tag_name(tag_id: str, names: dict[str, Tag] | None) -> str | None:
    return names[tag_id].name if names and tag_id in names else None


def _minutes(iteration: Iteration) -> int:
    if iteration.trained is None:
        return 0
    return max(1, (iteration.trained - iteration.created) // (60 * TICKS_PER_SECOND))

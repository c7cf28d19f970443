"""Everything that there is, whatever the API would say about it: what tests compare with."""

from typing import Any

from local.custom_vision.blobs import BlobStore
from local.custom_vision.clock import date_without_zone
from local.custom_vision.model import BlobName, Image, Iteration, Project, StoredPrediction
from local.custom_vision.scope import Scope
from local.custom_vision.world import World

Json = dict[str, Any]


def truth(world: World, store: BlobStore, *, with_images: bool = True) -> Json:
    """Projects with workspace, iterations, predictions; what outlived its project; number of blobs; accounts, if any.

    `with_images=False` leaves the rows of images out and keeps their number.
    """
    with world.lock:
        blobs = store.names()
        return {
            "projects": [_project(project, blobs, with_images) for project in world.projects.values()],
            "orphans": {
                "predictions": [
                    {"project": project_id} | _prediction(one, blobs) for project_id, one in world.orphan_predictions
                ],
                "exports": [
                    {"project": project_id} | _exports(iteration, blobs)
                    for project_id, iteration in world.orphan_exports
                ],
            },
            "blobs": len(blobs),
        } | ({"accounts": world.accounts.truth()} if world.accounts.groups else {})


def _project(project: Project, blobs: set[BlobName], with_images: bool) -> Json:
    return {
        "id": project.id,
        "name": project.name,
        "status": project.status,
        "read_only": project.read_only,
        "workspace": _scope(project.workspace, blobs, with_images),
        "iterations": [_iteration(one, blobs, with_images) for one in project.iterations.values()],
        "publish_names": [one.publish_name for one in project.iterations.values() if one.publish_name is not None],
        "predictions": [_prediction(one, blobs) for one in project.predictions.values()],
        "suggestions": [{"image": one.image_id, "iteration": one.iteration_id} for one in project.suggestions.values()],
    }


def _iteration(iteration: Iteration, blobs: set[BlobName], with_images: bool) -> Json:
    head = {
        "id": iteration.id,
        "name": iteration.name,
        "status": iteration.status,
        "publish_name": iteration.publish_name,
    }
    return head | _scope(iteration.scope, blobs, with_images) | _exports(iteration, blobs)


def _exports(iteration: Iteration, blobs: set[BlobName]) -> Json:
    rows = [
        {"platform": one.platform, "done": one.done is not None, "size": one.size, "blob_exists": one.blob in blobs}
        for one in iteration.exports
    ]
    return {"iteration": iteration.id, "exports": rows}


def _scope(scope: Scope, blobs: set[BlobName], with_images: bool) -> Json:
    counted: Json = {
        "image_count": len(scope.images),
        "tags": [{"id": tag.id, "name": tag.name, "type": tag.type} for tag in scope.tags.values()],
    }
    if with_images:
        counted["images"] = [_image(image, scope, blobs) for image in scope.images.values()]
    return counted


def _image(image: Image, scope: Scope, blobs: set[BlobName]) -> Json:
    content = image.content
    return {
        "id": image.id,
        "created": date_without_zone(image.created),
        "width": content.width,
        "height": content.height,
        "media_type": content.media_type,
        "size": content.size,
        "sha256": content.sha256,
        "tags": [scope.tags[link.tag_id].name for link in image.tags if link.tag_id in scope.tags],
        "regions": [
            {"id": one.id, "tag_id": one.tag_id, "box": [one.left, one.top, one.width, one.height]}
            for one in image.regions
        ],
        "metadata": dict(image.metadata or {}),
        "blob_exists": image.original in blobs,
    }


def _prediction(prediction: StoredPrediction, blobs: set[BlobName]) -> Json:
    return {
        "id": prediction.id,
        "iteration": prediction.iteration_id,
        "created": date_without_zone(prediction.created),
        "size": prediction.content.size,
        "sha256": prediction.content.sha256,
        "blob_exists": prediction.original in blobs,
    }

"""Which request is which operation. Paths are matched in any case, with any v3.x, below an accepted doubled slash."""

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from local.custom_vision import (
    exports,
    image_creation,
    image_deletion,
    image_lists,
    iterations,
    labels,
    performance,
    predicting,
    predictions,
    projects,
    suggestions,
    tags,
)
from local.custom_vision.call import Call
from local.custom_vision.wire import Answer

Handler = Callable[[Call], Answer]


class Operation(NamedTuple):
    """One operation; with `locked` false its handler does slow work and takes the world's lock by itself."""

    name: str
    method: str
    pattern: re.Pattern[str]
    handler: Handler
    locked: bool = True
    prediction: bool = False


class Match(NamedTuple):
    """An operation with the values of its path and the API version that was asked for."""

    operation: Operation
    path: dict[str, str]
    version: tuple[int, int]
    preview: bool


_VERSION = r"/customvision/v(?P<major>3)\.(?P<minor>\d+)(?P<preview>-preview)?"
_P = "/projects/{projectId}"
_I = _P + "/iterations/{iterationId}"
_PUBLISHED = "/{projectId}/{kind}/iterations/{publishedName}"


def _operation(base: str, name: str, route: str, handler: Handler, *, locked: bool = True) -> Operation:
    method, path = route.split(" ", 1)
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path).replace("(?P<kind>[^/]+)", "(?P<kind>classify|detect)")
    compiled = re.compile(f"{_VERSION}/{base}{pattern}/?", re.IGNORECASE)
    return Operation(name, method, compiled, handler, locked, base == "prediction")


def _training(name: str, route: str, handler: Handler, *, locked: bool = True) -> Operation:
    return _operation("training", name, route, handler, locked=locked)


def _prediction(name: str, route: str, handler: Handler) -> Operation:
    return _operation("prediction", name, route, handler, locked=False)


OPERATIONS = (
    _training("GetDomains", "GET /domains", projects.get_domains),
    _training("GetDomain", "GET /domains/{domainId}", projects.get_domain),
    _training("GetProjects", "GET /projects", projects.get_projects),
    _training("CreateProject", "POST /projects", projects.create_project),
    _training("ImportProject", "POST /projects/import", exports.import_project, locked=False),
    _training("GetProject", f"GET {_P}", projects.get_project),
    _training("UpdateProject", f"PATCH {_P}", projects.update_project),
    _training("DeleteProject", f"DELETE {_P}", projects.delete_project),
    _training("ExportProject", f"GET {_P}/export", exports.export_project, locked=False),
    _training("GetArtifact", f"GET {_P}/artifacts", image_lists.get_artifact, locked=False),
    _training("GetTags", f"GET {_P}/tags", tags.get_tags),
    _training("CreateTag", f"POST {_P}/tags", tags.create_tag),
    _training("GetTag", f"GET {_P}/tags/{{tagId}}", tags.get_tag),
    _training("UpdateTag", f"PATCH {_P}/tags/{{tagId}}", tags.update_tag),
    _training("DeleteTag", f"DELETE {_P}/tags/{{tagId}}", tags.delete_tag),
    _training("GetImages", f"GET {_P}/images", image_lists.get_images),
    _training("CreateImagesFromData", f"POST {_P}/images", image_creation.create_images_from_data, locked=False),
    _training("DeleteImages", f"DELETE {_P}/images", image_deletion.delete_images),
    _training("GetImageCount", f"GET {_P}/images/count", image_lists.get_image_count),
    _training("GetImagesByIds", f"GET {_P}/images/id", image_lists.get_images_by_ids),
    _training("GetTaggedImages", f"GET {_P}/images/tagged", image_lists.get_tagged_images),
    _training("GetTaggedImageCount", f"GET {_P}/images/tagged/count", image_lists.get_tagged_image_count),
    _training("GetUntaggedImages", f"GET {_P}/images/untagged", image_lists.get_untagged_images),
    _training("GetUntaggedImageCount", f"GET {_P}/images/untagged/count", image_lists.get_untagged_image_count),
    _training(
        "CreateImagesFromFiles", f"POST {_P}/images/files", image_creation.create_images_from_files, locked=False
    ),
    _training("CreateImagesFromUrls", f"POST {_P}/images/urls", image_creation.create_images_from_urls, locked=False),
    _training(
        "CreateImagesFromPredictions",
        f"POST {_P}/images/predictions",
        image_creation.create_images_from_predictions,
        locked=False,
    ),
    _training("UpdateImageMetadata", f"POST {_P}/images/metadata", labels.update_image_metadata),
    _training("CreateImageTags", f"POST {_P}/images/tags", labels.create_image_tags),
    _training("DeleteImageTags", f"DELETE {_P}/images/tags", labels.delete_image_tags),
    _training("CreateImageRegions", f"POST {_P}/images/regions", labels.create_image_regions),
    _training("DeleteImageRegions", f"DELETE {_P}/images/regions", labels.delete_image_regions),
    _training("QuerySuggestedImages", f"POST {_P}/images/suggested", suggestions.query_suggested_images),
    _training("QuerySuggestedImageCount", f"POST {_P}/images/suggested/count", suggestions.query_suggested_image_count),
    _training("SuggestTagsAndRegions", f"POST {_P}/tagsandregions/suggestions", suggestions.suggest_tags_and_regions),
    _training("TrainProject", f"POST {_P}/train", iterations.train_project),
    _training("GetIterations", f"GET {_P}/iterations", iterations.get_iterations),
    _training("GetIteration", f"GET {_I}", iterations.get_iteration),
    _training("UpdateIteration", f"PATCH {_I}", iterations.update_iteration),
    _training("DeleteIteration", f"DELETE {_I}", iterations.delete_iteration),
    _training("PublishIteration", f"POST {_I}/publish", iterations.publish_iteration),
    _training("UnpublishIteration", f"DELETE {_I}/publish", iterations.unpublish_iteration),
    _training("GetExports", f"GET {_I}/export", exports.get_exports),
    _training("ExportIteration", f"POST {_I}/export", exports.export_iteration, locked=False),
    _training("GetIterationPerformance", f"GET {_I}/performance", performance.get_iteration_performance),
    _training("GetImagePerformances", f"GET {_I}/performance/images", performance.get_image_performances),
    _training(
        "GetImagePerformanceCount", f"GET {_I}/performance/images/count", performance.get_image_performance_count
    ),
    _training("QueryPredictions", f"POST {_P}/predictions/query", predictions.query_predictions),
    _training("DeletePrediction", f"DELETE {_P}/predictions", predictions.delete_prediction),
    _training("QuickTestImage", f"POST {_P}/quicktest/image", predicting.quick_test_image, locked=False),
    _training("QuickTestImageUrl", f"POST {_P}/quicktest/url", predicting.quick_test_image_url, locked=False),
    _prediction("PredictImage", f"POST {_PUBLISHED}/image", predicting.predict_image),
    _prediction("PredictImageNoStore", f"POST {_PUBLISHED}/image/nostore", predicting.predict_image),
    _prediction("PredictImageUrl", f"POST {_PUBLISHED}/url", predicting.predict_url),
    _prediction("PredictImageUrlNoStore", f"POST {_PUBLISHED}/url/nostore", predicting.predict_url),
)


def match(method: str, path: str) -> Match | None:
    """The operation for a request, None if there is none (also for a known path with another method)."""
    plain = re.sub(r"/{2,}", "/", path)
    for operation in OPERATIONS:
        found = operation.pattern.fullmatch(plain) if operation.method == method else None
        if found:
            values = {name: unquote(value) for name, value in found.groupdict().items() if value is not None}
            version = (int(values["major"]), int(values["minor"]))
            return Match(operation, values, version, "preview" in values)
    return None

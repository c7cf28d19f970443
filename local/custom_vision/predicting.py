"""Operations that make predictions: QuickTest and the prediction endpoint. What is kept can be queried afterwards."""

from local.custom_vision.blobs import BlobStore
from local.custom_vision.call import Call, find_iteration
from local.custom_vision.clock import date_with_zone
from local.custom_vision.domains import is_detection
from local.custom_vision.errors import ServiceError
from local.custom_vision.guessing import guesses
from local.custom_vision.intake import fetched, uploaded_files
from local.custom_vision.model import Iteration, Project, StoredPrediction
from local.custom_vision.picture import NotAPictureError, examine, thumbnail
from local.custom_vision.render import guess_json
from local.custom_vision.wire import Answer, json_answer
from local.custom_vision.world import World, prediction_blobs

MOST_BYTES = 4 * 1024 * 1024
TAG_TYPE_SINCE = (3, 3)


def quick_test_image(call: Call) -> Answer:
    """QuickTestImage: stores the picture unless `store=false`."""
    return _quick_test(call, _first_file(call))


def quick_test_image_url(call: Call) -> Answer:
    """QuickTestImageUrl: the same for a link to this machine."""
    return _quick_test(call, _linked(call))


def predict_image(call: Call) -> Answer:
    """ClassifyImage, DetectImage and their no-store twins on the prediction endpoint."""
    return _predict_published(call, _first_file(call))


def predict_url(call: Call) -> Answer:
    """ClassifyImageUrl, DetectImageUrl and their no-store twins."""
    return _predict_published(call, _linked(call))


def made_prediction(world: World, project: Project, iteration: Iteration, data: bytes) -> StoredPrediction:
    """What an iteration says about a picture; not stored yet. ServiceError for bytes that are no picture."""
    try:
        content = examine(data)
    except NotAPictureError:
        raise ServiceError("BadRequestImageFormat", "The image is not in a supported format.") from None
    detection = is_detection(iteration.domain_id)
    found = guesses(content.sha256, list(iteration.scope.tags.values()), detection=detection)
    prediction_id = world.new_id()
    original, small = prediction_blobs(project.id, prediction_id)
    return StoredPrediction(
        prediction_id, iteration.id, iteration.domain_id, world.now(), content, original, small, found, None
    )


def keep_blobs(store: BlobStore, prediction: StoredPrediction, data: bytes) -> None:
    """Write a prediction's picture and thumbnail; do so before it is listed."""
    try:
        small = thumbnail(data)
    except NotAPictureError:
        raise ServiceError("BadRequestImageFormat", "The image cannot be decoded.") from None
    store.put(prediction.original, data, prediction.content.media_type)
    store.put(prediction.thumbnail, small, "image/jpeg")


def _quick_test(call: Call, data: bytes) -> Answer:
    with call.world.lock:
        project = call.writable_project()
        iteration_id = call.parameters.guid("iterationId")
        iteration = find_iteration(project, iteration_id) if iteration_id else _newest(project)
    return _predict(call, project, iteration, data, keep=call.parameters.flag("store", default=True))


def _predict_published(call: Call, data: bytes) -> Answer:
    with call.world.lock:
        project = call.project()
        name = call.parameters.segment("publishedName")
        iteration = next((one for one in project.iterations.values() if one.publish_name == name), None)
    if iteration is None:
        raise ServiceError("NotFoundIteration", "Invalid iteration")
    detection = call.parameters.segment("kind").lower() == "detect"
    if detection != is_detection(iteration.domain_id):
        raise ServiceError("BadRequest", "Invalid project type for operation.")
    keep = not call.request.path.lower().endswith("/nostore")
    return _predict(call, project, iteration, data, keep=keep)


def _predict(call: Call, project: Project, iteration: Iteration, data: bytes, *, keep: bool) -> Answer:
    if iteration.trained is None:
        raise ServiceError("BadRequestIterationIsNotTrained", "The iteration is not trained.")
    if len(data) > MOST_BYTES:
        raise ServiceError("BadRequestImageSizeBytes", "The image is too large.")
    with call.world.lock:
        prediction = made_prediction(call.world, project, iteration, data)
    prediction = prediction._replace(application=call.parameters.text("application"))
    if keep:
        keep_blobs(call.store, prediction, data)
        with call.world.lock:
            project.predictions[prediction.id] = prediction
    with_type = call.version >= TAG_TYPE_SINCE
    return json_answer(
        {
            "id": prediction.id,
            "project": project.id,
            "iteration": prediction.iteration_id,
            "created": date_with_zone(prediction.created),
            "predictions": [guess_json(guess, with_type=with_type) for guess in prediction.guesses],
        }
    )


def _newest(project: Project) -> Iteration:
    trained = [one for one in project.iterations.values() if one.trained is not None]
    if not trained:
        raise ServiceError("BadRequestIterationIsNotTrained", "The project has no trained iteration.")
    return max(trained, key=lambda one: one.created)


def _first_file(call: Call) -> bytes:
    files = uploaded_files(call.request)
    if not files:
        raise ServiceError("BadRequestImageStream", "The image is missing.")
    return files[0][1]


def _linked(call: Call) -> bytes:
    data = fetched(str(call.parameters.json_object().get("url") or ""))
    if data is None:
        raise ServiceError("BadRequestImageUrl", "The image cannot be read from the link.")
    return data

"""Operations on trainings: start, read, rename, publish, delete."""

from collections import Counter

from local.custom_vision.call import Call
from local.custom_vision.domains import DOMAINS, is_detection
from local.custom_vision.errors import ServiceError
from local.custom_vision.model import Iteration, Project
from local.custom_vision.projects import drop_exports
from local.custom_vision.render import Json, iteration_json
from local.custom_vision.wire import Answer, empty_answer, json_answer
from local.custom_vision.world import World

MOST_ITERATIONS = 20
_MINIMUM_CLASSIFICATION = (2, 5)  # tags, images of each
_MINIMUM_DETECTION = (1, 15)


def get_iterations(call: Call) -> Answer:
    """GetIterations, in no defined order; the untrained workspace is not among them."""
    project = call.project()
    return json_answer([_shown(call, project, one) for one in call.world.in_order(project.iterations.values())])


def get_iteration(call: Call) -> Answer:
    """GetIteration."""
    project = call.project()
    return json_answer(_shown(call, project, call.iteration(project)))


def train_project(call: Call) -> Answer:
    """TrainProject: the iteration copies the lists now and is completed after a while."""
    project = call.writable_project()
    advanced = call.parameters.choice("trainingType", ("Regular", "Advanced"), "Regular")
    hours = call.parameters.number("reservedBudgetInHours", 0, 0, 10_000)
    _check_training(call.world, project, forced=call.parameters.flag("forceTrain"))
    iteration = start_training(call.world, project)
    iteration.training_type, iteration.reserved_hours = advanced, hours
    return json_answer(_shown(call, project, iteration))


def update_iteration(call: Call) -> Answer:
    """UpdateIteration: the name."""
    project = call.writable_project()
    iteration = call.iteration(project)
    name = str(call.parameters.json_object().get("name") or "")
    if not name.strip():
        raise ServiceError("BadRequestIterationName", "The iteration name is missing.")
    if name in (one.name for one in project.iterations.values() if one is not iteration):
        raise ServiceError("BadRequestIterationNameNotUnique", "An iteration with this name exists already.")
    iteration.name, iteration.modified = name, call.world.now()
    return json_answer(_shown(call, project, iteration))


def publish_iteration(call: Call) -> Answer:
    """PublishIteration: answers the bare word `true`. Refused when already published, even with `overwrite`."""
    project = call.writable_project()
    iteration = call.iteration(project)
    name, target = call.parameters.required("publishName"), call.parameters.required("predictionId")
    if not target.lower().startswith("/subscriptions/"):
        raise ServiceError("BadRequestInvalidPublishTarget", "The prediction resource id is not valid.")
    if iteration.publish_name is not None:
        text = f"Iteration is already published as: {iteration.publish_name}"
        raise ServiceError("BadRequestIterationIsPublished", text)
    if iteration.trained is None:
        raise ServiceError("BadRequestIterationIsNotTrained", "The iteration is not trained.")
    _take_name(project, name, overwrite=call.parameters.flag("overwrite"))
    iteration.publish_name, iteration.publish_target, iteration.modified = name, target, call.world.now()
    return json_answer(True)


def unpublish_iteration(call: Call) -> Answer:
    """UnpublishIteration."""
    iteration = call.iteration(call.writable_project())
    if iteration.publish_name is None:
        raise ServiceError("BadRequestIterationNotPublished", "The iteration is not published.")
    iteration.publish_name = iteration.publish_target = None
    iteration.modified = call.world.now()
    return empty_answer()


def delete_iteration(call: Call) -> Answer:
    """DeleteIteration: refused while published or in training; images that only it held lose their blobs."""
    project = call.writable_project()
    iteration = call.iteration(project)
    if iteration.publish_name is not None:
        text = f"Iteration is already published as: {iteration.publish_name}"
        raise ServiceError("BadRequestIterationIsPublished", text)
    if iteration.status == "Training":
        raise ServiceError("BadRequestTrainingAlreadyInProgress", "The iteration is being trained.")
    drop_exports(call.world, project, [iteration.id])
    del project.iterations[iteration.id]
    call.world.drop_unheld(project, iteration.scope.images.values())
    return empty_answer()


def start_training(world: World, project: Project) -> Iteration:
    """An iteration in training, with its own copy of the lists; it completes (or fails) by the switches."""
    project.trainings += 1
    now = world.now()
    iteration = Iteration(
        id=world.new_id(),
        name=f"Iteration {project.trainings}",
        created=now,
        modified=now,
        scope=project.workspace.copy(),
        domain_id=project.settings["domainId"],
        classification_type=project.settings["classificationType"],
        revision=project.workspace.revision,
    )
    project.iterations[iteration.id] = iteration
    world.later(world.switches.training_seconds, lambda: finish_training(world, iteration))
    return iteration


def finish_training(world: World, iteration: Iteration) -> None:
    """Complete the training, or let it fail if so switched; nothing if it has ended already."""
    if iteration.status != "Training":
        return
    iteration.status = world.switches.training_result
    iteration.modified = world.now()
    if iteration.status == "Completed":
        iteration.trained = iteration.modified


def _shown(call: Call, project: Project, iteration: Iteration) -> Json:
    platforms = DOMAINS[iteration.domain_id].platforms
    return iteration_json(iteration, project.id, platforms, preview=call.preview)


def _check_training(world: World, project: Project, *, forced: bool) -> None:
    iterations = project.iterations.values()
    if any(iteration.status == "Training" for iteration in iterations):
        raise ServiceError("BadRequestTrainingAlreadyInProgress", "A training is in progress.")
    if len(iterations) >= MOST_ITERATIONS:
        raise ServiceError("BadRequestExceedIterationPerProjectLimit", "The project has too many iterations.")
    trained = {one.revision for one in iterations if one.status == "Completed"}
    if project.workspace.revision in trained and not forced:
        raise ServiceError("BadRequestTrainingNotNeeded", "Nothing changed since the last training.")
    if world.switches.training_minimums and not _enough(project):
        raise ServiceError("BadRequestTrainingValidationFailed", "There are not enough tags or images per tag.")


def _enough(project: Project) -> bool:
    detection = is_detection(project.settings["domainId"])
    tags, images = _MINIMUM_DETECTION if detection else _MINIMUM_CLASSIFICATION
    counts = Counter(link.tag_id for image in project.workspace.images.values() for link in image.tags)
    return len(counts) >= tags and all(count >= images for count in counts.values())


def _take_name(project: Project, name: str, *, overwrite: bool) -> None:
    holder = next((one for one in project.iterations.values() if one.publish_name == name), None)
    if holder is None:
        return
    if not overwrite:
        raise ServiceError("BadRequestInvalidPublishName", "The publish name is taken.")
    holder.publish_name = holder.publish_target = None

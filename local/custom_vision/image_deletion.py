"""DeleteImages and what may follow it: delay, refusal to happen, return of what was deleted."""

from collections.abc import Callable

from local.custom_vision.call import Call
from local.custom_vision.errors import ServiceError
from local.custom_vision.image_lists import MOST_IMAGE_IDS
from local.custom_vision.model import Image, Project
from local.custom_vision.scope import Scope
from local.custom_vision.wire import Answer, empty_answer
from local.custom_vision.world import World


def delete_images(call: Call) -> Answer:
    """DeleteImages: ids or `allImages`, from the workspace or with `allIterations` from everywhere.

    By ids from the workspace alone it is done with the 204; with either flag the 202 only promises it.
    """
    project = call.writable_project()
    image_ids = call.parameters.guids("imageIds", MOST_IMAGE_IDS)
    all_images, all_iterations = call.parameters.flag("allImages"), call.parameters.flag("allIterations")
    if bool(image_ids) == all_images:
        raise ServiceError("BadRequestInvalidIds", "Give either imageIds or allImages.")
    if all_images:
        image_ids = _all_ids(project, all_iterations)
    elif call.world.switches.unknown_ids == "not_found":
        _refuse_unknown(project, image_ids)
    if not (all_images or all_iterations):
        remove_images(call.world, project, image_ids, everywhere=False)
        return empty_answer()
    _promise(call.world, lambda: remove_images(call.world, project, image_ids, everywhere=all_iterations))
    return empty_answer(202)


def remove_images(world: World, project: Project, image_ids: list[str], *, everywhere: bool) -> None:
    """Take images out of the workspace, or of the iterations too, and their blobs when nothing holds them any more."""
    scopes = project.scopes() if everywhere else [project.workspace]
    gone = [(scope, image) for scope in scopes for image in scope.remove(image_ids)]
    returning = {image_id for image_id in image_ids if image_id in world.reappearing}
    if returning:
        _schedule_return(world, [(scope, image) for scope, image in gone if image.id in returning])
    world.drop_unheld(project, [image for _, image in gone if image.id not in returning])


def _promise(world: World, effect: Callable[[], None]) -> None:
    if world.switches.delete_effect == "delayed":
        world.later(world.switches.delete_delay_seconds, effect)
    elif world.switches.delete_effect == "until_told":
        world.hold(effect)


def _schedule_return(world: World, gone: list[tuple[Scope, Image]]) -> None:
    """Each image comes back once; the next deletion of it is final."""
    delay = max((world.reappearing.pop(image_id, 0.0) for image_id in {image.id for _, image in gone}), default=0.0)

    def bring_back() -> None:
        for scope, image in gone:
            scope.put([image])

    world.later(delay, bring_back)


def _all_ids(project: Project, all_iterations: bool) -> list[str]:
    scopes = project.scopes() if all_iterations else [project.workspace]
    return list(dict.fromkeys(image_id for scope in scopes for image_id in scope.images))


def _refuse_unknown(project: Project, image_ids: list[str]) -> None:
    if any(all(one not in scope.images for scope in project.scopes()) for one in image_ids):
        raise ServiceError("NotFoundImage", "At least one image is unknown.")

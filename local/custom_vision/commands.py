"""Commands of the control route: `{"command": name, …}`, one or a list. Each is a function of emulator and fields."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from local.custom_vision import account_commands
from local.custom_vision.errors import ControlError
from local.custom_vision.image_deletion import remove_images
from local.custom_vision.model import BlobName, Project
from local.custom_vision.picture import NotAPictureError, examine
from local.custom_vision.seeding import add_images, read_plan, seed_project, stock_picture

if TYPE_CHECKING:
    from local.custom_vision.emulator import Emulator

Fields = dict[str, Any]


def run_commands(emulator: Emulator, given: object) -> list[Any]:
    """Run one command or a list of them in order; ControlError at the first that cannot be done."""
    listed = given if isinstance(given, list) else [given]
    return [_run(emulator, one) for one in listed]


def status_report(emulator: Emulator) -> Fields:
    """Switches, faults with their counts, counts of calls, and the emulator's time."""
    with emulator.world.lock:
        switches = emulator.world.switches.as_dict()
    return {
        "switches": switches,
        "faults": emulator.faults.as_list(),
        "calls": emulator.calls(),
        "now": emulator.world.clock.now(),
    }


def _run(emulator: Emulator, given: object) -> Any:  # noqa: ANN401 - whatever the command reports, as JSON
    if not isinstance(given, dict) or given.get("command") not in COMMANDS:
        raise ControlError(f"give {{'command': …}} with one of {', '.join(COMMANDS)}")
    fields = {name: value for name, value in given.items() if name != "command"}
    try:
        return COMMANDS[given["command"]](emulator, fields)
    except KeyError as missing:
        raise ControlError(f"{given['command']} needs the field {missing}") from None
    finally:
        emulator.sweep()


def _reset(emulator: Emulator, fields: Fields) -> None:
    emulator.faults.clear()
    emulator.reset_calls()
    with emulator.world.lock:
        emulator.world.reset()
    emulator.store.clear()


def _seed(emulator: Emulator, fields: Fields) -> Fields:
    return seed_project(emulator.world, emulator.store, read_plan(fields))


def _switch(emulator: Emulator, fields: Fields) -> None:
    values = fields.get("values") or {fields["name"]: fields["value"]}
    with emulator.world.lock:
        for name, value in values.items():
            emulator.world.switches.set(name, value)


def _fault(emulator: Emulator, fields: Fields) -> str:
    return emulator.faults.add(fields)


def _clear_faults(emulator: Emulator, fields: Fields) -> None:
    emulator.faults.clear(fields.get("id"))


def _delete_image(emulator: Emulator, fields: Fields) -> None:
    with emulator.world.lock:
        project = _project(emulator, fields)
        remove_images(emulator.world, project, fields["ids"], everywhere=fields.get("everywhere", True))


def _add_image(emulator: Emulator, fields: Fields) -> list[str]:
    plan = read_plan({"name": "", "images": 1, "tags": []} | fields)
    with emulator.world.lock:
        project = _project(emulator, fields)
    return add_images(emulator.world, emulator.store, project, plan)


def _expire_links(emulator: Emulator, fields: Fields) -> None:
    if not emulator.store.expire_links():
        raise ControlError("links into a storage account cannot be taken back; use the switch links or bad_links")


def _bad_links(emulator: Emulator, fields: Fields) -> None:
    state = fields["state"]
    if state not in ("good", "expired", "broken"):
        raise ControlError("the state of links is good, expired or broken")
    with emulator.world.lock:
        emulator.world.bad_links |= dict.fromkeys(fields["ids"], state)


def _replace_blob(emulator: Emulator, fields: Fields) -> Fields:
    with emulator.world.lock:
        blob = _blob(_project(emulator, fields), fields)
    data = _bytes(fields["data"]) if "data" in fields else stock_picture(97)
    try:
        content = examine(data)
        media_type, digest = content.media_type, content.sha256
    except NotAPictureError:
        media_type, digest = "application/octet-stream", None
    emulator.store.put(blob, data, media_type)
    return {"sha256": digest, "size": len(data)}


def _delete_blob(emulator: Emulator, fields: Fields) -> None:
    with emulator.world.lock:
        blob = _blob(_project(emulator, fields), fields)
    emulator.store.delete([blob])


def _advance(emulator: Emulator, fields: Fields) -> float:
    emulator.world.clock.advance(float(fields["seconds"]))
    return emulator.world.clock.now()


def _release_deletes(emulator: Emulator, fields: Fields) -> int:
    with emulator.world.lock:
        return emulator.world.release()


def _read_only(emulator: Emulator, fields: Fields) -> None:
    with emulator.world.lock:
        _project(emulator, fields).read_only = bool(fields["value"])


def _reappear(emulator: Emulator, fields: Fields) -> None:
    with emulator.world.lock:
        emulator.world.reappearing |= dict.fromkeys(fields["ids"], float(fields.get("seconds", 0)))


def _storage_integration(emulator: Emulator, fields: Fields) -> None:
    with emulator.world.lock:
        account_commands.storage_integration(_project(emulator, fields), fields)


def _reset_calls(emulator: Emulator, fields: Fields) -> None:
    emulator.reset_calls()


def _project(emulator: Emulator, fields: Fields) -> Project:
    wanted = fields["project"]
    for project in emulator.world.projects.values():
        if wanted in (project.id, project.name):
            return project
    raise ControlError("there is no such project")


def _blob(project: Project, fields: Fields) -> BlobName:
    wanted = fields["id"]
    for scope in project.scopes():
        if wanted in scope.images:
            return scope.images[wanted].original
    if wanted in project.predictions:
        return project.predictions[wanted].original
    raise ControlError("there is no such image or prediction")


def _bytes(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except binascii.Error:
        raise ControlError("data must be base64") from None


COMMANDS: dict[str, Callable[[Emulator, Fields], Any]] = {
    "reset": _reset,
    "seed": _seed,
    "switch": _switch,
    "fault": _fault,
    "clear_faults": _clear_faults,
    "delete_image": _delete_image,
    "add_image": _add_image,
    "expire_links": _expire_links,
    "bad_links": _bad_links,
    "replace_blob": _replace_blob,
    "delete_blob": _delete_blob,
    "advance": _advance,
    "release_deletes": _release_deletes,
    "read_only": _read_only,
    "reappear": _reappear,
    "storage_integration": _storage_integration,
    "seed_account": account_commands.seed_account,
    "change_account": account_commands.change_account,
    "reset_calls": _reset_calls,
}

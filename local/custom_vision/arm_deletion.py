"""Deleting, purging and restoring accounts, in Azure's own time."""

import math
from collections.abc import Callable
from functools import partial

from local.custom_vision.accounts import Account, ArmOperation, Kind
from local.custom_vision.arm_call import PROVIDER, ArmCall, ArmError, check
from local.custom_vision.arm_render import account_json, operation_json
from local.custom_vision.projects import remove_project
from local.custom_vision.wire import Answer, Parameters, empty_answer, json_answer
from local.custom_vision.world import World


def delete_account(call: ArmCall) -> Answer:
    """Accounts - Delete: recoverable afterwards; 204 if there was nothing."""
    found = call.account_or_none()
    if found is None:
        return empty_answer()
    check(found, "delete")
    _check_settled(found)
    return _start(call, found, "delete")


def purge_account(call: ArmCall) -> Answer:
    """Deleted Accounts - Purge: gone for good; 204 if there was nothing, 409 while the deletion is under way."""
    running = call.account_or_none()
    if running is not None:
        _check_settled(running)
    found = call.deleted()
    if found is None or found.location.lower() != call.path["location"].lower():
        return empty_answer()
    check(found, "purge")
    _check_settled(found)
    return _start(call, found, "purge")


def put_account(call: ArmCall) -> Answer:
    """Accounts - Create with `restore`: a deleted account comes back. Nothing else is created here."""
    found = call.deleted()
    body = Parameters({}, call.request).json_object()
    if found is None or body.get("properties", {}).get("restore") is not True:
        raise ArmError(400, "InvalidRequest", "Only a deleted account can be restored.")
    _check_settled(found)
    call.world.accounts.recover(found)
    return json_answer(account_json(found, call.world.switches.tier))


def get_operation(call: ArmCall) -> Answer:
    """How a deletion stands, in a body with `status`."""
    return json_answer(operation_json(_operation(call), call.request.path))


def get_operation_result(call: ArmCall) -> Answer:
    """How a deletion stands, by status: 202 while it runs, then 200, or the refusal."""
    operation = _operation(call)
    if operation.status == "InProgress":
        return _with_delay(empty_answer(202), call)
    if operation.code:
        raise ArmError(409, operation.code, "The operation could not be completed.")
    return empty_answer(200)


def purge_expired(world: World) -> None:
    """Let go of deleted accounts whose 48 hours are over."""
    for account in world.accounts.expired(world.clock.now()):
        _purge(world, account)


def _start(call: ArmCall, account: Account, kind: Kind) -> Answer:
    world, mode = call.world, call.world.switches.arm_deletes
    work = partial(_purge if kind == "purge" else _delete, world, account)
    if mode == "at_once":
        work()
        return empty_answer(200)
    operation = ArmOperation(world.new_id(), kind, account.subscription, account.location)
    world.accounts.operations[operation.id] = operation
    before, account.state = account.state, "Deleting" if kind == "delete" else "Purging"
    if mode != "never":
        end = _succeed(operation, work) if mode == "accepted" else _fail(operation, account, before)
        world.later(world.switches.arm_seconds, end)
    return _accepted(call, operation)


def _succeed(operation: ArmOperation, work: Callable[[], None]) -> Callable[[], None]:
    def end() -> None:
        work()
        operation.status = "Succeeded"

    return end


def _fail(operation: ArmOperation, account: Account, state: str) -> Callable[[], None]:
    def end() -> None:
        account.state = state
        operation.status, operation.code = "Failed", "CannotDeleteResource"

    return end


def _accepted(call: ArmCall, operation: ArmOperation) -> Answer:
    place = f"subscriptions/{operation.subscription}/providers/{PROVIDER}/locations/{operation.location}"
    query = call.request.raw_query
    headers = {
        "Azure-AsyncOperation": f"{call.base}/{place}/operationStatuses/{operation.id}?{query}",
        "Location": f"{call.base}/{place}/operationResults/{operation.id}?{query}",
    }
    wanted = {"both": tuple(headers), "async": ("Azure-AsyncOperation",), "location": ("Location",), "none": ()}
    shown = {name: headers[name] for name in wanted[call.world.switches.arm_operation_headers]}
    return _with_delay(Answer(202, headers=shown), call)


def _with_delay(answer: Answer, call: ArmCall) -> Answer:
    seconds = math.ceil(call.world.switches.arm_seconds)
    return Answer(answer.status, answer.body, answer.content_type, {**answer.headers, "Retry-After": str(seconds)})


def _delete(world: World, account: Account) -> None:
    world.accounts.soft_delete(account, world.clock.now())


def _purge(world: World, account: Account) -> None:
    world.accounts.recoverable.pop(account.key, None)
    if account.serves and account.kind != "CustomVision.Prediction":
        for project in list(world.projects.values()):
            remove_project(world, project)


def _operation(call: ArmCall) -> ArmOperation:
    found = call.world.accounts.operations.get(call.path["operation"].lower())
    if found is None:
        raise ArmError(404, "NotFound", "The operation is not known.")
    return found


def _check_settled(account: Account) -> None:
    if account.state in ("Deleting", "Purging"):
        text = (
            f"Cannot modify resource with id '{account.id}' because the resource entity provisioning state is not "
            "terminal. Please wait for the provisioning state to become terminal and then retry the request."
        )
        raise ArmError(409, "RequestConflict", text)

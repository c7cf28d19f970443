"""Routes beside the API of v3: Azure Resource Manager, GetAccountInfo of v1.2, tokens of a managed identity."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from local.custom_vision import arm, arm_deletion, gateway
from local.custom_vision.account_info import get_account_info
from local.custom_vision.arm_call import ArmCall, ArmError
from local.custom_vision.errors import ServiceError
from local.custom_vision.identity import IDENTITY_PATH, audience_of, get_token
from local.custom_vision.wire import Answer, Request, error_answer

if TYPE_CHECKING:
    from local.custom_vision.emulator import Emulator

ARM_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")
_S = "/subscriptions/(?P<subscription>[^/]+)"
_G = "/resourceGroups/(?P<group>[^/]+)"
_P = r"/providers/Microsoft\.CognitiveServices"
_A = f"{_S}{_G}{_P}/accounts/(?P<name>[^/]+)"
_D = f"{_S}{_P}/locations/(?P<location>[^/]+){_G}/deletedAccounts/(?P<name>[^/]+)"
_O = f"{_S}{_P}/locations/(?P<location>[^/]+)"


class ArmRoute(NamedTuple):
    """One operation of Azure Resource Manager."""

    name: str
    method: str
    pattern: re.Pattern[str]
    handler: Callable[[ArmCall], Answer]


def _arm(name: str, method: str, pattern: str, handler: Callable[[ArmCall], Answer]) -> ArmRoute:
    return ArmRoute(name, method, re.compile(pattern + "/?", re.IGNORECASE), handler)


ARM_ROUTES = (
    _arm("AccountsGet", "GET", _A, arm.get_account),
    _arm("AccountsList", "GET", f"{_S}{_P}/accounts", arm.list_accounts),
    _arm("AccountsListByResourceGroup", "GET", f"{_S}{_G}{_P}/accounts", arm.list_accounts),
    _arm("AccountsListKeys", "POST", f"{_A}/listKeys", arm.list_keys),
    _arm("AccountsListUsages", "GET", f"{_A}/usages", arm.list_usages),
    _arm("AccountsDelete", "DELETE", _A, arm_deletion.delete_account),
    _arm("AccountsRestore", "PUT", _A, arm_deletion.put_account),
    _arm("DeletedAccountsList", "GET", f"{_S}{_P}/deletedAccounts", arm.list_deleted),
    _arm("DeletedAccountsGet", "GET", _D, arm.get_deleted),
    _arm("DeletedAccountsPurge", "DELETE", _D, arm_deletion.purge_account),
    _arm("OperationStatus", "GET", f"{_O}/operationStatuses/(?P<operation>[^/]+)", arm_deletion.get_operation),
    _arm("OperationResult", "GET", f"{_O}/operationResults/(?P<operation>[^/]+)", arm_deletion.get_operation_result),
)
ACCOUNT_INFO = re.compile(r"/customvision/v1\.2/training/account/?", re.IGNORECASE)


class AccountMatch(NamedTuple):
    """An operation beside the API of v3, ready to be carried out."""

    name: str
    work: Callable[[Emulator, Request], Answer]


def match(method: str, path: str) -> AccountMatch | None:
    """The operation for a request, None if it is none of these."""
    plain = re.sub(r"/{2,}", "/", path)
    if method == "GET" and plain.rstrip("/").lower() == IDENTITY_PATH:
        return AccountMatch("GetToken", lambda emulator, request: get_token(request, emulator.world.clock.now()))
    if method == "GET" and ACCOUNT_INFO.fullmatch(plain):
        return AccountMatch("GetAccountInfo", _account_info)
    for route in ARM_ROUTES:
        found = route.pattern.fullmatch(plain) if route.method == method else None
        if found:
            values = {name: unquote(value) for name, value in found.groupdict().items()}
            return AccountMatch(route.name, _arm_work(route, values))
    return None


def service_refusal(emulator: Emulator, prediction: bool) -> Answer | None:
    """What the API answers once the account behind it is deleted; None while it is there."""
    switches = emulator.world.switches
    with emulator.world.lock:
        kind = "CustomVision.Prediction" if prediction else "CustomVision.Training"
        gone = emulator.world.accounts.gone(kind)
    if not gone or switches.deleted_account == "answers":
        return None
    return gateway.not_found() if switches.deleted_account == "not_found" else gateway.access_denied()


def _arm_work(route: ArmRoute, values: dict[str, str]) -> Callable[[Emulator, Request], Answer]:
    def work(emulator: Emulator, request: Request) -> Answer:
        try:
            _check_entry(emulator, request)
            with emulator.world.lock:
                arm_deletion.purge_expired(emulator.world)
                return route.handler(ArmCall(emulator.world, request, values))
        except ArmError as refusal:
            return refusal.answer()
        except ServiceError as refusal:
            return error_answer(400, "InvalidRequestContent", refusal.message, "gateway")

    return work


def _check_entry(emulator: Emulator, request: Request) -> None:
    authorization = request.headers.get("authorization", "")
    mode = emulator.world.switches.arm_bearer
    if not authorization.lower().startswith("bearer "):
        raise ArmError(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
    if mode == "refuse" or (mode == "audience" and audience_of(authorization) not in ARM_AUDIENCES):
        text = "The access token has been obtained for wrong audience or resource."
        raise ArmError(401, "InvalidAuthenticationTokenAudience", text)
    if not request.query().get("api-version"):
        text = "The api-version query parameter (?api-version=) is required for all requests."
        raise ArmError(400, "MissingApiVersionParameter", text)


def _account_info(emulator: Emulator, request: Request) -> Answer:
    switches = emulator.world.switches
    refused = service_refusal(emulator, False) or gateway.refusal(
        request.headers, "training-key", emulator.training_key, switches
    )
    if refused:
        return refused
    if switches.account_info == "gone":
        return gateway.not_found()
    with emulator.world.lock:
        return get_account_info(emulator.world, emulator.training_key, emulator.prediction_key)

"""Azure Resource Manager, as far as reading accounts is concerned."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from local.custom_vision.accounts import Account
from local.custom_vision.arm_call import ArmCall, account_not_found, check, check_group, check_subscription
from local.custom_vision.arm_render import account_json, usages_json
from local.custom_vision.wire import Answer, json_answer


def get_account(call: ArmCall) -> Answer:
    """Accounts - Get."""
    return json_answer(account_json(call.account("read"), call.world.switches.tier))


def list_accounts(call: ArmCall) -> Answer:
    """Accounts - List, of a subscription or of a resource group."""
    if "group" in call.path:
        check_group(call)
    check_subscription(call)
    return _page(call, [one for one in call.world.accounts.present.values() if _within(call, one)])


def list_keys(call: ArmCall) -> Answer:
    """Accounts - List Keys."""
    first, second = call.account("listKeys").keys
    return json_answer({"key1": first, "key2": second})


def list_usages(call: ArmCall) -> Answer:
    """Accounts - List Usages."""
    return json_answer({"value": usages_json(call.account("usages"), call.world)})


def list_deleted(call: ArmCall) -> Answer:
    """Deleted Accounts - List; one account for which this is denied is enough to refuse it."""
    check_subscription(call)
    found = [one for one in call.world.accounts.recoverable.values() if _within(call, one)]
    for account in [*found, *(one for one in call.world.accounts.present.values() if _within(call, one))]:
        check(account, "deletedAccounts")
    return _page(call, found)


def get_deleted(call: ArmCall) -> Answer:
    """Deleted Accounts - Get."""
    found = call.deleted()
    if found is None:
        raise account_not_found(call.path["group"], call.path["name"])
    return json_answer(account_json(found, call.world.switches.tier))


def _within(call: ArmCall, account: Account) -> bool:
    group = call.path.get("group", account.group)
    return (account.subscription.lower(), account.group.lower()) == (call.path["subscription"].lower(), group.lower())


def _page(call: ArmCall, accounts: list[Account]) -> Answer:
    size = call.world.switches.arm_page_size or len(accounts) or 1
    start = int(call.request.query().get("$skiptoken", ["0"])[0])
    rows = [account_json(one, call.world.switches.tier) for one in accounts[start : start + size]]
    body: dict[str, Any] = {"value": rows}
    if start + size < len(accounts):
        query = dict(parse_qsl(call.request.raw_query)) | {"$skiptoken": str(start + size)}
        body["nextLink"] = f"{call.base}{call.request.path}?{urlencode(query)}"
    return json_answer(body)

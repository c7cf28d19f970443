"""Accounts, usages and operations as Azure Resource Manager writes them (api-version 2021-04-30)."""

import uuid
from datetime import UTC, datetime
from typing import Any

from local.custom_vision.accounts import RECOVERABLE_SECONDS, Account, ArmOperation
from local.custom_vision.world import World

Json = dict[str, Any]
_TYPE = "Microsoft.CognitiveServices/accounts"
_DELETED_TYPE = "Microsoft.CognitiveServices/locations/resourceGroups/deletedAccounts"


def account_json(account: Account, tier: str) -> Json:
    """An account; of a deleted one its dates of deletion and of the final purge too."""
    row = {
        "id": account.id if account.deleted is None else account.deleted_id,
        "name": account.name,
        "type": _TYPE if account.deleted is None else _DELETED_TYPE,
        "kind": account.kind,
        "location": account.location,
        "sku": {"name": tier},
        "etag": f'"{int(account.created * 1000):x}"',
        "properties": _properties(account),
    }
    return row | ({"tags": dict(account.tags)} if account.tags else {})


def _properties(account: Account) -> Json:
    endpoint = f"https://{account.name}.cognitiveservices.azure.com/"
    found: Json = {
        "endpoint": endpoint,
        "endpoints": {"Custom Vision Training": endpoint},
        "provisioningState": account.state,
        "internalId": uuid.uuid5(uuid.NAMESPACE_URL, account.id).hex,
        "dateCreated": _date(account.created),
        "customSubDomainName": account.name,
        "publicNetworkAccess": "Enabled",
        "privateEndpointConnections": [],
        "callRateLimit": {"rules": [{"key": "default", "renewalPeriod": 1, "count": 10}]},
        "isMigrated": False,
    }
    if account.deleted is not None:
        found["deletionDate"] = _date(account.deleted)
        found["scheduledPurgeDate"] = _date(account.deleted + RECOVERABLE_SECONDS)
    return found | account.properties


def usages_json(account: Account, world: World) -> list[Json]:
    """What an account counts: projects of the emulator's own account, nothing for others."""
    projects = len(world.projects) if account.serves else 0
    images = sum(len(one.workspace.images) for one in world.projects.values()) if account.serves else 0
    return [_usage("CustomVision.Training.Projects", projects, 100), _usage("CustomVision.Training.Images", images, 0)]


def _usage(name: str, current: int, limit: int) -> Json:
    return {
        "name": {"value": name, "localizedValue": name},
        "status": "Included",
        "currentValue": float(current),
        "limit": float(limit),
        "nextResetTime": "9999-12-31T23:59:59Z",
        "quotaPeriod": "00:00:00",
        "unit": "Count",
    }


def operation_json(operation: ArmOperation, path: str) -> Json:
    """How an operation stands, as `Azure-AsyncOperation` answers."""
    row: Json = {"id": path, "name": operation.id, "status": operation.status}
    if operation.code:
        row["error"] = {"code": operation.code, "message": "The operation could not be completed."}
    return row


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

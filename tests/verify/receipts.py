"""Receipts of all kinds, and keys."""

import json
from typing import Any

from shared.adapters.receipt_signer import PemReceiptKeys
from shared.domain.subject_request import RequestStatus
from shared.finishing import Ending
from tests.verify.ledgers import STORES, Ledger, key_pair, request_id

ONE = request_id(1)
ED, P256 = (PemReceiptKeys(key_pair(kind).private) for kind in ("EdDSA", "ES256"))


def receipt_bytes(ending: Ending | None = None) -> bytes:
    """Give the receipt of an erasure as it is stored."""
    ledger = Ledger(ED)
    ledger.finished(ONE, **({} if ending is None else {"ending": ending}))
    return ledger.read(f"{ONE}/receipt.json")


CONTENT = receipt_bytes()
RECEIPT: dict[str, Any] = json.loads(CONTENT)
CANCELLED: dict[str, Any] = json.loads(receipt_bytes(Ending(status=RequestStatus.CANCELLED)))
EXPORT: dict[str, Any] = RECEIPT | {
    "subject_request_type": "access",
    "stores": {
        "images": {"found": 5, "written": 4, "vanished": 1, "failed": 0, "not_available": 0, "service_count": 5},
        "account": {"found": 1, "written": 1, "vanished": 0, "failed": 0, "not_available": 0, "service_count": None},
    },
}
DRY_RUN: dict[str, Any] = RECEIPT | {
    "dry_run": True,
    "stores": {
        "images": STORES["images"]
        | {"deleted": 0, "already_absent": 0, "no_longer_matching": 0, "verified": False, "rounds": 0}
    },
}


def key_set(*keys: PemReceiptKeys) -> dict[str, Any]:
    """Give the keys as the app publishes them."""
    return {"keys": [dict(key) for one in keys for key in one.public_keys()]}

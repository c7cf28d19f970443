"""The local stack gets a key of its own for receipts, once."""

import json
from pathlib import Path

from local.development_settings import EXAMPLE, SETTINGS, ensure_settings
from shared.adapters.receipt_signer import PemReceiptKeys


def made_key(folder: Path) -> str:
    folder.mkdir()
    (folder / EXAMPLE).write_text('{"Values": {"RECEIPT_SIGNING_KEY": ""}}')
    assert ensure_settings(folder)
    return str(json.loads((folder / SETTINGS).read_text())["Values"]["RECEIPT_SIGNING_KEY"])


def test_the_local_stack_signs_its_receipts(tmp_path: Path) -> None:
    keys = PemReceiptKeys(made_key(tmp_path / "one"))
    assert [key["alg"] for key in keys.public_keys()] == ["EdDSA"]


def test_each_machine_has_another_key(tmp_path: Path) -> None:
    assert made_key(tmp_path / "one") != made_key(tmp_path / "two")

"""Azure Resource Manager and Custom Vision for a process that has no key, only a managed identity."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from local.custom_vision.control import EmulatorControl
from local.custom_vision.identity import IDENTITY_HEADER, IDENTITY_PATH
from local.custom_vision.server import RunningEmulator
from shared.domain.account import AccountId

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def account(control: EmulatorControl) -> AccountId:
    account = AccountId.parse(control.seed_account("faces", serves=True))
    assert account is not None
    return account


BY_IDENTITY = """
    import json, os, sys
    from azure.identity import DefaultAzureCredential
    from shared.adapters.call_budget import UnlimitedBudget
    from shared.adapters.custom_vision import CustomVisionClient
    from shared.adapters.http_exchange import make_session
    from shared.adapters.resource_manager import ResourceManagerClient
    from shared.bootstrap import SystemClock
    from shared.domain.account import AccountId
    from shared.domain.errors import GdprError

    url, account = sys.argv[1], AccountId.parse(sys.argv[2])
    credential, session, clock = DefaultAzureCredential(), make_session(2), SystemClock()
    vision = CustomVisionClient(
        url, key=None, credential=credential, session=session, budget=UnlimitedBudget(), clock=clock
    )
    manager = ResourceManagerClient(url, credential=credential, session=session, clock=clock)
    def tried(call):
        try:
            return call()
        except GdprError as refusal:
            return type(refusal).__name__
    names = tried(lambda: [one.name for one in vision.get_projects()])
    print(json.dumps([names, tried(lambda: manager.get_account(account)["name"])]))
"""


def by_identity(url: str, account: AccountId, header: str) -> Any:
    """What a process gets that has no key, only a managed identity."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "IDENTITY_", "MSI_"))}
    identity = {"IDENTITY_ENDPOINT": url + IDENTITY_PATH, "IDENTITY_HEADER": header}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(BY_IDENTITY), url, account.path],
        cwd=ROOT,
        env=kept | identity | {"PATH": "", "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_unmodified_default_credential_gets_the_right_token_for_each_service(
    emulator: RunningEmulator, account: AccountId, control: EmulatorControl
) -> None:
    control.seed("Portraits")
    control.switch(keys="refuse", bearer="audience", arm_bearer="audience")
    assert by_identity(emulator.url, account, IDENTITY_HEADER) == [["Portraits"], "faces"]
    assert control.calls()["GetToken"] == {"200": 2}


def test_an_identity_that_is_refused_is_access_denied(
    emulator: RunningEmulator, account: AccountId, control: EmulatorControl
) -> None:
    assert by_identity(emulator.url, account, "wrong") == ["AccessDenied", "AccessDenied"]

"""The two storage accounts of the local stack and their keys. None of this is a secret."""

from base64 import b64encode
from collections.abc import Mapping

APP_ACCOUNT = "devstoreaccount1"
"""Holds the app's queues, ledger and packages. `UseDevelopmentStorage=true` means this one."""

SERVICE_ACCOUNT = "customvision"
"""Holds the images of the Custom Vision emulator.

An account of its own, because Azurite never looks at the signature of a copy's source within one account: expired
links would go unnoticed.
"""

ACCOUNT_KEYS: Mapping[str, str] = {
    # Documented by Microsoft for every storage emulator.
    APP_ACCOUNT: "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    # Made from a text that everyone may read.
    SERVICE_ACCOUNT: b64encode(b"public key of the local Custom Vision emulator's storage account").decode(),
}

SERVICES = ("blob", "queue", "table")
DEFAULT_PORTS: Mapping[str, int] = {"blob": 10000, "queue": 10001, "table": 10002}


def connection_string(account: str, key: str, ports: Mapping[str, int], *, scheme: str = "http") -> str:
    """Return the connection string of `account` on 127.0.0.1, with an endpoint for each service in `ports`."""
    endpoints = "".join(
        f"{name.title()}Endpoint={scheme}://127.0.0.1:{port}/{account};" for name, port in ports.items()
    )
    return f"DefaultEndpointsProtocol={scheme};AccountName={account};AccountKey={key};{endpoints}"

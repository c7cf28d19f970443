"""`python -m local.verify_audit`: exit 0 if the ledger is as its audit files say, 1 if not, 2 if none can be read."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing

from local.development_settings import SETTINGS
from local.functions_host.settings import AppSettings, SettingsError, local_values, merge_settings, read_json_file
from local.pieces import ROOT
from local.verify_audit.checking import READERS, Audit, check
from shared.adapters.blob_store import AzureBlobStore
from shared.adapters.storage_connection import StorageConnection
from shared.adapters.storage_settings import StorageSettings, is_configured
from shared.domain.errors import ConfigurationError, TransientError
from shared.ledger import RequestLedger

NOT_SEEN = """\
What this cannot see: that the newest file of heads itself is gone, or was changed together with a record before another
file followed; a request that was removed with its index entry before a file named it; what else than its history and
its plan was changed of a request that has not ended; what was changed in the outcomes of single ids (units/).
Signatures are checked by `make verify-receipt`."""


def main(arguments: Sequence[str] = ()) -> int:
    """Check, tell, and give the exit code."""
    if arguments:
        print("usage: make verify-audit      (it takes nothing but settings)", file=sys.stderr)
        return 2
    try:
        settings = AppSettings(merge_settings(os.environ, local_values(read_json_file(ROOT / SETTINGS))))
        with closing(_connection(settings)) as connection:
            container = settings.get("REQUESTS_CONTAINER", "").strip() or "gdpr-requests"
            return tell(RequestLedger(AzureBlobStore(connection.blobs(), container)), container)
    except (ConfigurationError, SettingsError, TransientError) as error:
        print(f"verify-audit: the ledger cannot be read: {error}", file=sys.stderr)
        return 2


def tell(ledger: RequestLedger, container: str) -> int:
    """
    Print every problem as it is found, then what was looked at; 1 if there is any, else 0.

    2 where nothing is there at all: a container that is empty, or that nobody has made, says nothing about a ledger.
    """
    audit, number = Audit(), 0
    for problem in check(ledger, audit):
        print(f"WRONG  {problem}", flush=True)
        number += 1
    if not (number or audit.files or audit.requests):
        print(f"verify-audit: the container {container} holds no request and no file of heads", file=sys.stderr)
        return 2
    print("\n".join(summary(audit)))
    print(f"\n{number} thing(s) wrong." if number else "\nEverything fits together.")
    print(NOT_SEEN)
    return 1 if number else 0


def summary(audit: Audit) -> list[str]:
    """Say what was looked at."""
    named = f"the newest is {audit.files[-1]}" if audit.files else "the timer `audit_heads` has not run yet"
    lines = [f"{len(audit.files)} file(s) of heads ({named}), {audit.requests} request(s)."]
    if audit.unnamed:
        lines.append(f"{audit.unnamed} of them are not in a file yet: their own history and receipt were checked only.")
    if audit.being_accepted:
        lines.append(
            f"{audit.being_accepted} index entries have no record: requests that are being accepted right now, or "
            "whose acceptance was cut short (the watchdog removes these)."
        )
    return lines


def _connection(settings: Mapping[str, str]) -> StorageConnection:
    name = "DATA_STORAGE" if is_configured(settings, "DATA_STORAGE") else "AzureWebJobsStorage"
    return StorageConnection(StorageSettings.from_mapping(settings, name, needs=("blob",)), pool_size=READERS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

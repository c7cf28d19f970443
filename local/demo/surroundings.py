"""The stack of one demo run: Azurite with its data on disk, the emulator in this process, the Functions host."""

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.azurite.accounts import SERVICE_ACCOUNT, SERVICES
from local.azurite.server import Azurite, running_azurite
from local.custom_vision.server import RunningEmulator, running_emulator
from local.development_settings import signing_key
from local.functions_host.process import HostProcess, running_host
from local.pieces import ROOT, Ports
from local.sockets import ports_in_use

VERIFY_SECONDS = 3
CALLS_PER_SECOND = 200
HURRY = (
    f"Two settings differ from those of a deployment, so that nobody has to wait: a last look {VERIFY_SECONDS} seconds "
    f"after an erasure (else 300), up to {CALLS_PER_SECOND} calls a second to Custom Vision (else 10). "
    "The key that signs receipts is made for this run."
)


@dataclass(frozen=True)
class Surroundings:
    """The running pieces, and the folder in which the run leaves its things."""

    azurite: Azurite
    emulator: RunningEmulator
    host: HostProcess
    folder: Path


def chosen_ports(wanted: Ports) -> tuple[Ports, list[str]]:
    """Return the ports with 0 (a free one) for those in use, and a sentence for each of these."""
    taken = set(ports_in_use(wanted.named()))
    azurite = {service: 0 if port in taken else port for service, port in wanted.azurite.items()}
    ports = Ports(azurite, _or_free(wanted.emulator, taken), _or_free(wanted.host, taken))
    return ports, [f"Port {port} is in use: {wanted.named()[port]} takes a free one." for port in sorted(taken)]


def host_settings(azurite: Azurite, emulator: RunningEmulator) -> Mapping[str, str]:
    """Return all settings of the app for this run. Its two keys, for hashes and for signatures, are fresh ones."""
    return {
        "AzureWebJobsStorage": azurite.connection_string(),
        "CUSTOM_VISION_ENDPOINT": emulator.url,
        "CUSTOM_VISION_TRAINING_KEY": emulator.key,
        "CUSTOM_VISION_CALLS_PER_SECOND": str(CALLS_PER_SECOND),
        "ERASURE_VERIFY_INTERVAL_SECONDS": str(VERIFY_SECONDS),
        "LEDGER_HASH_KEY": secrets.token_hex(32),
        "RECEIPT_SIGNING_KEY": signing_key(),
        "PYTHON_THREADPOOL_THREAD_COUNT": "16",
        # Azure looks every 60 seconds at the latest into a queue that was empty for long.
        "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.2",
    }


@contextlib.contextmanager
def running_surroundings(ports: Ports, folder: Path) -> Iterator[Surroundings]:
    """Run the three pieces for the length of the block; all are gone after it, the data in `folder` stays."""
    blob, queue, table = (ports.azurite[service] for service in SERVICES)
    with contextlib.ExitStack() as stack:
        data = folder / "azurite"
        azurite = stack.enter_context(running_azurite(data, blob_port=blob, queue_port=queue, table_port=table))
        storage = azurite.connection_string(SERVICE_ACCOUNT)
        emulator = stack.enter_context(running_emulator(ports.emulator, storage))
        settings = host_settings(azurite, emulator)
        host = stack.enter_context(running_host(ROOT, settings, ports.host, folder / "host.log"))
        yield Surroundings(azurite, emulator, host, folder)


def _or_free(port: int, taken: set[int]) -> int:
    return 0 if port in taken else port

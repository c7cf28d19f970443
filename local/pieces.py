"""The pieces of the local stack: where each listens, and the environment that joins them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.azurite.accounts import ACCOUNT_KEYS, APP_ACCOUNT, DEFAULT_PORTS, SERVICE_ACCOUNT, connection_string

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_EMULATOR_PORT = 7080
DEFAULT_HOST_PORT = 7071
TRAINING_KEY = "emulator-training-key"
"""The emulator's key where EMULATOR_TRAINING_KEY gives no other. Not a secret."""
STORAGE_SETTINGS = ("AzureWebJobsStorage", "DATA_STORAGE")


class PortSettingError(ValueError):
    """A port in the environment is not a number of 1 to 65535; the text names the variable."""


@dataclass(frozen=True)
class Ports:
    """Where the pieces listen on 127.0.0.1."""

    azurite: Mapping[str, int]
    emulator: int = DEFAULT_EMULATOR_PORT
    host: int = DEFAULT_HOST_PORT

    def named(self) -> dict[int, str]:
        """Return each port with the piece that wants it."""
        storage = {port: f"Azurite's {service} service" for service, port in self.azurite.items()}
        return {**storage, self.emulator: "the Custom Vision emulator", self.host: "the Functions host"}


def data_folder(environ: Mapping[str, str], role: str) -> Path:
    """Return where a piece keeps its data: `role` in LOCAL_DATA, or in the project's .local."""
    return Path(environ.get("LOCAL_DATA") or ROOT / ".local") / role


def ports_from(environ: Mapping[str, str], host: str = str(DEFAULT_HOST_PORT)) -> Ports:
    """Return the ports: AZURITE_BLOB_PORT, AZURITE_QUEUE_PORT, AZURITE_TABLE_PORT, EMULATOR_PORT, or the usual ones.

    `host` is the host's as it was typed (`make host PORT=…`).

    Raises:
        PortSettingError: one of them is not a port.
    """
    azurite = {name: _port(environ, f"AZURITE_{name.upper()}_PORT", port) for name, port in DEFAULT_PORTS.items()}
    return Ports(azurite, _port(environ, "EMULATOR_PORT", DEFAULT_EMULATOR_PORT), _checked("PORT", host))


def storage_connection(account: str, ports: Mapping[str, int]) -> str:
    """Return the connection string of one of the local stack's two accounts, on `ports` by service."""
    return connection_string(account, ACCOUNT_KEYS[account], ports)


def emulator_environment(environ: Mapping[str, str], ports: Ports, *, azurite_listens: bool) -> dict[str, str]:
    """Return `environ` for the emulator, its images in its own account of Azurite where that listens.

    An EMULATOR_STORAGE that is set already is kept.
    """
    result = {"EMULATOR_PORT": str(ports.emulator), **environ}
    if azurite_listens:
        result.setdefault("EMULATOR_STORAGE", storage_connection(SERVICE_ACCOUNT, ports.azurite))
    return result


def host_environment(environ: Mapping[str, str], ports: Ports) -> dict[str, str]:
    """Return `environ` for a host that is part of the local stack: always its storage and its Custom Vision.

    Whatever real Azure the shell or `local.settings.json` point to, the stack does not touch it: a variable that is set
    wins over that file, and an empty one counts as absent. Other settings stay as they are.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith(STORAGE_SETTINGS)}
    storage = storage_connection(APP_ACCOUNT, ports.azurite)
    return {
        **kept,
        **dict.fromkeys(STORAGE_SETTINGS, storage),
        "CUSTOM_VISION_ENDPOINT": f"http://127.0.0.1:{ports.emulator}",
        "CUSTOM_VISION_TRAINING_KEY": training_key(environ),
        "CUSTOM_VISION_RESOURCE_ID": "",
        "ARM_ENDPOINT": "",
    }


def training_key(environ: Mapping[str, str]) -> str:
    """Return the key that the emulator expects: EMULATOR_TRAINING_KEY, or the usual one."""
    return environ.get("EMULATOR_TRAINING_KEY") or TRAINING_KEY


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    return _checked(name, environ.get(name) or str(default))


def _checked(name: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise PortSettingError(f"{name} must be a port of 1 to 65535.")
    return int(text)

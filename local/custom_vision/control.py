"""Control client of a running emulator, for tests and the demo: one method per command."""

import base64
import json
from collections.abc import Iterable
from typing import Any, Literal
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from local.custom_vision.errors import ControlError

_OPENER = build_opener(ProxyHandler({}))
_SECONDS = 120
Json = dict[str, Any]


class EmulatorControl:
    """Commands to the emulator at `url`. Every method raises ControlError with the emulator's reason for a refusal."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def run(self, *commands: Json) -> list[Any]:
        """Several raw commands in one call; their results in order."""
        found: list[Any] = self._call("POST", "/__control", list(commands))["results"]
        return found

    def reset(self) -> None:
        """Nothing left: projects, blobs, faults, counts, switches, clock."""
        self._one("reset")

    def seed(self, name: str, images: int = 0, **plan: Any) -> Json:  # noqa: ANN401 - fields of SeedPlan
        """A project with many images; ids of everything made. Fields: see docs/emulator.md; `pictures` as bytes."""
        return dict(self._one("seed", name=name, images=images, **_encoded(plan)))

    def switch(self, **values: Any) -> None:  # noqa: ANN401 - each switch has its own type
        """Set switches by name."""
        self._one("switch", values=values)

    def fault(self, kind: str, **rule: Any) -> str:  # noqa: ANN401 - fields of Fault
        """Add a fault; returns its id."""
        return str(self._one("fault", kind=kind, **rule))

    def clear_faults(self, fault_id: str | None = None) -> None:
        """Drop one fault, or all."""
        self._one("clear_faults", id=fault_id)

    def delete_images(self, project: str, ids: Iterable[str], *, everywhere: bool = True) -> None:
        """Take images away behind the API's back; `project` is an id or a name."""
        self._one("delete_image", project=project, ids=list(ids), everywhere=everywhere)

    def add_images(self, project: str, count: int = 1, **plan: Any) -> list[str]:  # noqa: ANN401 - fields of SeedPlan
        """Add images behind the API's back; returns their ids."""
        return list(self._one("add_image", project=project, images=count, **_encoded(plan)))

    def expire_links(self) -> None:
        """Refuse all links handed out so far (own blob route only)."""
        self._one("expire_links")

    def bad_links(self, ids: Iterable[str], state: Literal["good", "expired", "broken"]) -> None:
        """Hand out links in this state for these images, predictions or iterations."""
        self._one("bad_links", ids=list(ids), state=state)

    def replace_blob(self, project: str, item_id: str, data: bytes | None = None) -> Json:
        """Other bytes and another ETag under the same name; size and digest of what is there now."""
        extra = {} if data is None else {"data": base64.b64encode(data).decode()}
        return dict(self._one("replace_blob", project=project, id=item_id, **extra))

    def delete_blob(self, project: str, item_id: str) -> None:
        """Take the bytes of an image or prediction away and leave its row."""
        self._one("delete_blob", project=project, id=item_id)

    def advance(self, seconds: float) -> float:
        """Move the emulator's clock; its time afterwards."""
        return float(self._one("advance", seconds=seconds))

    def release_deletes(self) -> int:
        """Let deletions held by `delete_effect=until_told` happen; how many."""
        return int(self._one("release_deletes"))

    def read_only(self, project: str, value: bool = True) -> None:
        """Put a project into read-only mode (`drModeEnabled`) or out of it."""
        self._one("read_only", project=project, value=value)

    def reappear(self, ids: Iterable[str], seconds: float = 0) -> None:
        """Let these images come back once, so many seconds after their next deletion."""
        self._one("reappear", ids=list(ids), seconds=seconds)

    def virtual_network(self, mode: Literal["off", "all", "mixed"]) -> None:
        """Relative paths instead of links."""
        self.switch(virtual_network=mode)

    def throttle(self, calls_per_second: float, retry_after: Literal["none", "header"] = "none") -> None:
        """429 beyond this rate; 0 ends it."""
        self.switch(calls_per_second=calls_per_second, retry_after=retry_after)

    def storage_integration(self, project: str, **addresses: str) -> None:
        """Where a project sends models and notifications: `exportModelContainerUri`, `notificationQueueUri`."""
        self._one("storage_integration", project=project, **addresses)

    def seed_account(self, name: str, **account: Any) -> str:  # noqa: ANN401 - fields of an account
        """An account of Azure Resource Manager; its ARM id."""
        return str(self._one("seed_account", name=name, **account))

    def change_account(self, name: str, **changes: Any) -> None:  # noqa: ANN401 - fields of an account
        """Lock, policy, missing roles or properties of an account."""
        self._one("change_account", name=name, **changes)

    def status(self) -> Json:
        """Switches, faults with their hits, counts of calls, time."""
        return dict(self._call("GET", "/__control"))

    def truth(self, *, images: bool = True) -> Json:
        """Everything there is; without the rows of images if not wanted."""
        return dict(self._call("GET", "/__truth" + ("" if images else "?images=false")))

    def calls(self) -> dict[str, dict[str, int]]:
        """Calls by operation and status since the last `reset_calls`."""
        return dict(self._call("GET", "/__calls"))

    def reset_calls(self) -> None:
        """Count from zero."""
        self._one("reset_calls")

    def _one(self, command: str, **fields: Any) -> Any:  # noqa: ANN401 - JSON
        return self.run({"command": command} | fields)[0]

    def _call(self, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 - JSON
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data, method=method)  # noqa: S310 - the emulator's own URL
        try:
            with _OPENER.open(request, timeout=_SECONDS) as answer:
                return json.load(answer)
        except HTTPError as refusal:
            with refusal:
                raise ControlError(json.load(refusal).get("error", "")) from None


def _encoded(plan: Json) -> Json:
    if "pictures" not in plan:
        return plan
    return plan | {"pictures": [base64.b64encode(one).decode() for one in plan["pictures"]]}

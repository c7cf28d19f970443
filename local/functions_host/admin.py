"""The host's admin calls: status, the list of functions, running one by hand."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

from local.functions_host.functions import FunctionDefinition, FunctionError
from local.functions_host.values import HttpResponseData

VERSION = "4.0.0-local"
_BAD_INPUT = HttpResponseData(400)


class Admin:
    """Answers below `/admin/`, keys already checked."""

    def __init__(
        self,
        host_id: str,
        functions: Sequence[FunctionDefinition],
        errors: Sequence[FunctionError],
        extension_bundle: dict[str, Any],
        run_by_hand: Callable[[FunctionDefinition, str], None],
    ) -> None:
        """`run_by_hand` starts a function with a text as input and returns at once."""
        self._host_id = host_id
        self._functions = functions
        self._errors = errors
        self._bundle = extension_bundle
        self._run_by_hand = run_by_hand
        self._started = time.monotonic()

    def answer(self, method: str, path: str, body: bytes) -> HttpResponseData | None:
        """The answer to one call, or None where there is none (404)."""
        folder, _, name = path.rpartition("/")
        match method, path.lower(), folder.lower():
            case "GET", "/admin/host/status", _:
                return _json(200, self._status())
            case "GET", "/admin/functions", _:
                return _json(200, [_listed(function) for function in self._functions])
            case "POST", _, "/admin/functions":
                return self._run(unquote(name), body)
            case _:
                return None

    def _status(self) -> dict[str, Any]:
        return {
            "id": self._host_id,
            "state": "Running",
            "version": VERSION,
            "processUptime": round((time.monotonic() - self._started) * 1000),
            "extensionBundle": self._bundle,
            "errors": [f"{error.name}: {error.reason}" for error in self._errors],
        }

    def _run(self, name: str, body: bytes) -> HttpResponseData | None:
        function = next((item for item in self._functions if item.name.lower() == name.lower()), None)
        if function is None or function.disabled:
            return None
        try:
            given = json.loads(body or b"{}")
        except (ValueError, RecursionError):
            return _BAD_INPUT
        if not isinstance(given, dict):
            return _BAD_INPUT
        value = given.get("input")
        self._run_by_hand(function, value if isinstance(value, str) else "" if value is None else json.dumps(value))
        return HttpResponseData(202)


def _listed(function: FunctionDefinition) -> dict[str, Any]:
    return {
        "name": function.name,
        "isDisabled": function.disabled,
        "language": "python",
        "config": {"bindings": [dict(binding) for binding in function.bindings]},
    }


def _json(status: int, value: object) -> HttpResponseData:
    return HttpResponseData(status, {"content-type": "application/json; charset=utf-8"}, (), json.dumps(value).encode())

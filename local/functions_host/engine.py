"""Microsoft's worker library as the engine: the one module that knows `azure-functions-runtime`.

The library makes no public promise about what is used here, so its version is pinned (see TESTED_VERSION) and a test
holds every name and signature. One app per process: the library keeps its state in modules. Used of it:
`worker_init_request` and `functions_metadata_request` to index the app, `native_invocation` to run its functions.
"""

import asyncio
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import azure_functions_runtime as worker
from azure_functions_runtime import native_invocation
from azure_functions_runtime.bindings.datumdef import Datum as WorkerDatum

from local.functions_host.values import Datum, HttpRequestData, HttpResponseData, IndexedFunction, Invoked

TESTED_VERSION = "1.3.0"

_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<name>\S+)', re.MULTILINE)


class AppRefused(Exception):
    """The worker cannot load the app: its import failed, or a function does not fit its bindings."""


class _Answer:
    """Takes any fields by keyword and answers None for those that are unset, as the library's protobuf would."""

    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> None:
        return None


class _BindingInfo(_Answer):
    undefined, string, binary, stream = range(4)


setattr(_BindingInfo, "in", 0)  # a keyword, so it cannot be written as a class attribute
_BindingInfo.out = 1  # type: ignore[attr-defined]
_BindingInfo.inout = 2  # type: ignore[attr-defined]


class _StatusResult(_Answer):
    Failure, Success = 0, 1


_PROTOS = SimpleNamespace(
    BindingInfo=_BindingInfo,
    StatusResult=_StatusResult,
    WorkerInitResponse=_Answer,
    WorkerMetadata=_Answer,
    RpcException=_Answer,
    RpcFunctionMetadata=_Answer,
    RpcRetryOptions=_Answer,
    FunctionMetadataResponse=_Answer,
)


async def load_app(app_dir: Path) -> list[IndexedFunction]:
    """Import and index the app in `app_dir` (on sys.path already) and start the pool for its sync functions.

    An empty list where there is no `function_app.py`; raises AppRefused with the library's message.
    """
    worker.start_threadpool_executor()
    init = SimpleNamespace(function_app_directory=str(app_dir), capabilities={})
    request = SimpleNamespace(
        request=SimpleNamespace(worker_init_request=init), properties={"protos": _PROTOS, "host": "127.0.0.1"}
    )
    started = await worker.worker_init_request(request)
    if started.result.status != _StatusResult.Success:
        place = _error_place(started.result.exception.stack_trace)
        raise AppRefused(f"{started.result.exception.message} ({place})")
    listed = await worker.functions_metadata_request(request)
    return [
        IndexedFunction(item.function_id, item.name, tuple(json.loads(raw) for raw in item.raw_bindings))
        for item in listed.function_metadata_results or ()
    ]


async def invoke(
    invocation_id: str,
    function_id: str,
    inputs: Sequence[tuple[str, Datum]],
    trigger_metadata: Mapping[str, Datum],
) -> Invoked:
    """Run one function: async ones on this loop, others in its pool. Never raises for the function's errors."""
    try:
        succeeded, returned, outputs, error_text, error_trace = await native_invocation.invocation_request_native(
            invocation_id,
            function_id,
            [(name, _to_worker(datum)) for name, datum in inputs],
            {name: _to_worker(datum) for name, datum in trigger_metadata.items()},
        )
    except (SystemExit, asyncio.CancelledError) as error:
        # The library lets these through; one function's sys.exit() must not end the host.
        return Invoked(False, error_type=type(error).__name__)
    if not succeeded:
        return Invoked(False, error_type=_error_type(error_text), error_place=_error_place(error_trace or ""))
    return Invoked(True, _from_worker(returned), tuple((name, _from_worker(datum)) for name, datum in outputs))


def current_invocation_id() -> str | None:
    """The id of the invocation that the calling code runs in, or None outside of one."""
    invocation_id: str | None = worker.invocation_id_cv.get()
    return invocation_id


def _to_worker(datum: Datum) -> WorkerDatum:
    if not isinstance(datum.value, HttpRequestData):
        return WorkerDatum(datum.value, datum.kind)
    request = datum.value
    value = {
        "method": _text(request.method),
        "url": _text(request.url),
        "headers": {name: _text(text) for name, text in request.headers.items()},
        "query": {name: _text(text) for name, text in request.query.items()},
        "params": {name: _text(text) for name, text in request.params.items()},
        "body": WorkerDatum(request.body, "bytes"),
    }
    return WorkerDatum(value, datum.kind)


def _text(value: str) -> WorkerDatum:
    return WorkerDatum(value, "string")


def _from_worker(datum: WorkerDatum | None) -> Datum:
    if datum is None:
        return Datum(None, None)
    if datum.type != "http":
        return Datum(datum.type, datum.value)
    value = datum.value
    response = HttpResponseData(
        status=int(value["status_code"].value),
        # Of a repeated header the last value is left: header names do not tell case apart.
        headers={name.lower(): str(header.value) for name, header in value["headers"].items()},
        cookies=tuple(morsel.OutputString() for cookie in value["cookies"] or () for morsel in cookie.values()),
        body=value["body"].value,
    )
    return Datum("http", response)


def _error_type(error_repr: str | None) -> str:
    found = re.match(r"[A-Za-z_][\w.]*", error_repr or "")
    return found[0] if found else "error"


def _error_place(trace: str) -> str:
    """File, line and function of the innermost frame: where to look, without the exception's text."""
    frames = list(_FRAME.finditer(trace))
    if not frames:
        return ""
    last = frames[-1]
    return f"{os.path.relpath(last['file'])}:{last['line']} in {last['name']}"

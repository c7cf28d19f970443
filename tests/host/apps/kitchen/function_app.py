"""An app with one function per rule that the tests ask of the host over HTTP and queues."""

import json
import logging
import os
import threading
import time
import typing
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
CONNECTION = "AzureWebJobsStorage"


@app.route(route="echo/{*rest}")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "params": dict(req.params),
        "route_params": dict(req.route_params),
        "body": req.get_body().decode("latin-1"),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route(route="items/{id}", methods=["GET"])
def a_any(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("any")


@app.route(route="items/latest")
def b_latest(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("latest")


@app.route(route="things/{number:int}", methods=["GET"])
async def by_number(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"number {req.route_params['number']}")


@app.route(route="headers")
def headers(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(b"\x00\xff", status_code=int(req.params.get("status", "201")))
    response.headers["X-One"] = "first"
    response.headers.add("X-One", "last")
    response.headers.add("Set-Cookie", "a=1; Path=/")
    response.headers.add("Set-Cookie", "b=2; HttpOnly")
    return response


@app.route(route="header-of-two-lines")
def header_of_two_lines(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("x")
    response.headers._list.append(("x-two", "secret\nvalue"))
    return response


@app.route(route="text")
def text(req: func.HttpRequest) -> str:
    return req.get_body().decode()


@app.route(route="fails")
def fails(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("a secret that must not be shown")


@app.route(route="nothing")
def nothing(req: func.HttpRequest) -> func.HttpResponse:
    return None  # type: ignore[return-value]


@app.route(route="locked", auth_level=func.AuthLevel.FUNCTION)
def locked(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("open")


@app.route(route="off")
@app.function_name("switched_off")
def switched_off(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("on")


@app.route(route="logs")
def logs(req: func.HttpRequest) -> func.HttpResponse:
    logging.info("a line of the app")
    logging.getLogger("azure.functions.mine").info("a line of the system")
    return func.HttpResponse("logged")


@app.route(route="waits")
def waits(req: func.HttpRequest) -> func.HttpResponse:
    Path(req.params["until"] + ".started").touch()
    deadline = time.monotonic() + 30
    while not Path(req.params["until"]).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return func.HttpResponse("done")


@app.route(route="put/{kind}")
@app.queue_output(arg_name="raw", queue_name="%TAG%-put-raw", connection=CONNECTION)
@app.queue_output(arg_name="plain", queue_name="%TAG%-put-text", connection=CONNECTION)
@app.queue_output(arg_name="many", queue_name="%TAG%-put-many", connection=CONNECTION)
@app.queue_output(arg_name="message", queue_name="%TAG%-put-message", connection=CONNECTION)
def put(
    req: func.HttpRequest,
    raw: func.Out[bytes],
    plain: func.Out[str],
    many: func.Out[typing.List[str]],  # noqa: UP006 - list[str] is refused by the worker
    message: func.Out[func.QueueMessage],
) -> func.HttpResponse:
    body = req.get_body()
    match req.route_params["kind"]:
        case "raw":
            raw.set(body)
        case "text":
            plain.set("lost")
            plain.set(body.decode())
        case "many":
            many.set(json.loads(body))
        case "message":
            message.set(func.QueueMessage(id="7", body=body))
        case "raise":
            raw.set(body)
            raise ValueError
    return func.HttpResponse("put")


@app.queue_trigger(arg_name="msg", queue_name="%TAG%-returns", connection=CONNECTION)
@app.queue_output(arg_name="$return", queue_name="%TAG%-Returned", connection=CONNECTION)
def returns(msg: func.QueueMessage) -> str:
    return None if msg.get_body() == b"none" else msg.get_body().decode()  # type: ignore[return-value]


@app.queue_trigger(arg_name="msg", queue_name="%TAG%-speaks", connection=CONNECTION)
def speaks(msg: func.QueueMessage) -> str:
    """Returns a value that no output is bound to."""
    return "unbound"


@app.queue_trigger(arg_name="msg", queue_name="%TAG%-seen", connection=CONNECTION)
@app.queue_output(arg_name="out", queue_name="%TAG%-seen-out", connection=CONNECTION)
def sees(msg: func.QueueMessage, out: func.Out[bytes]) -> None:
    times = (msg.insertion_time, msg.expiration_time, msg.time_next_visible)
    seen = {
        "id": msg.id,
        "dequeue_count": msg.dequeue_count,
        "pop_receipt": msg.pop_receipt,
        "times": [str(moment) for moment in times],
        "body": msg.get_body().decode(),
        "thread": threading.current_thread().name,
    }
    out.set(json.dumps(seen).encode())


@app.queue_trigger(arg_name="msg", queue_name="%TAG%-failing", connection=CONNECTION)
def fails_always(msg: func.QueueMessage) -> None:
    raise KeyError("a secret that must not be shown")


@app.queue_trigger(arg_name="msg", queue_name="%TAG%-held", connection=CONNECTION)
@app.queue_output(arg_name="out", queue_name="%TAG%-held-out", connection=CONNECTION)
def holds(msg: func.QueueMessage, out: func.Out[bytes]) -> None:
    """Runs until the file named in the message exists."""
    deadline = time.monotonic() + 60
    while not Path(msg.get_body().decode()).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    out.set(str(os.getpid()).encode())

"""A request that puts a message, a queue function that passes it on, and one that listens to a poison queue."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
CONNECTION = "AzureWebJobsStorage"


@app.route(route="start", methods=["POST"])
@app.queue_output(arg_name="out", queue_name="%TAG%-relay", connection=CONNECTION)
def start(req: func.HttpRequest, out: func.Out[bytes]) -> func.HttpResponse:
    out.set(b"sent")
    return func.HttpResponse(status_code=202)


@app.queue_trigger(arg_name="msg", queue_name="%TAG%-relay", connection=CONNECTION)
@app.queue_output(arg_name="out", queue_name="%TAG%-relayed", connection=CONNECTION)
async def relay(msg: func.QueueMessage, out: func.Out[bytes]) -> None:
    out.set(msg.get_body())


@app.queue_trigger(arg_name="msg", queue_name="%TAG%-work-poison", connection=CONNECTION)
def of_poison(msg: func.QueueMessage) -> None:
    raise RuntimeError

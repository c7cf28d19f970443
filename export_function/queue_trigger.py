"""The queues of exports: requests from outside, and the work that they are cut into."""

from __future__ import annotations

import azure.functions as func

from export_function.fulfilment import ExportFulfilment
from export_function.intake import INTAKE, QUEUE
from shared.bootstrap import Installation
from shared.domain.work import EXPORT_WORK
from shared.lifecycle import handle


def blueprint(installation: Installation) -> func.Blueprint:
    """Give the functions on `export-requests` and `export-work`."""
    functions = func.Blueprint()
    fulfilment = ExportFulfilment()

    @functions.function_name("take_export_request")
    @functions.queue_trigger(arg_name="msg", queue_name=QUEUE, connection="AzureWebJobsStorage")
    def take_export_request(msg: func.QueueMessage) -> None:
        INTAKE.from_queue(installation.services(), msg.get_body(), msg.id or "")

    @functions.function_name("work_export")
    @functions.queue_trigger(arg_name="msg", queue_name=EXPORT_WORK, connection="AzureWebJobsStorage")
    def work_export(msg: func.QueueMessage) -> None:
        handle(installation.services(), fulfilment, msg.get_body(), msg.dequeue_count or 1)

    return functions

"""The queues of erasures: requests from outside, and the work that they are cut into."""

from __future__ import annotations

import azure.functions as func

from delete_function.fulfilment import ErasureFulfilment
from delete_function.intake import INTAKE, QUEUE
from shared.bootstrap import Installation
from shared.cleaning import Rebuild
from shared.domain.work import DELETION_WORK
from shared.lifecycle import handle


def blueprint(installation: Installation, rebuild: Rebuild) -> func.Blueprint:
    """Give the functions on `deletion-requests` and `deletion-work`; `rebuild` makes derived files of packages anew."""
    functions = func.Blueprint()
    fulfilment = ErasureFulfilment(rebuild)

    @functions.function_name("take_erasure_request")
    @functions.queue_trigger(arg_name="msg", queue_name=QUEUE, connection="AzureWebJobsStorage")
    def take_erasure_request(msg: func.QueueMessage) -> None:
        INTAKE.from_queue(installation.services(erasure=True), msg.get_body(), msg.id or "")

    @functions.function_name("work_erasure")
    @functions.queue_trigger(arg_name="msg", queue_name=DELETION_WORK, connection="AzureWebJobsStorage")
    def work_erasure(msg: func.QueueMessage) -> None:
        handle(installation.services(erasure=True), fulfilment, msg.get_body(), msg.dequeue_count or 1)

    return functions

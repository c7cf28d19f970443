"""What a function gets when it is run by hand through `POST /admin/functions/{name}`."""

import uuid
from datetime import UTC, datetime, timedelta

from local.functions_host.functions import FunctionDefinition, HttpTrigger, QueueBinding
from local.functions_host.queue_messages import MessageFacts, trigger_input, trigger_metadata
from local.functions_host.timer_status import trigger_json
from local.functions_host.values import Datum, HttpRequestData


def manual_input(function: FunctionDefinition, text: str) -> tuple[Datum, dict[str, Datum]]:
    """The trigger's value and metadata: the text is a message's body or a request's; a timer needs none."""
    match function.trigger:
        case QueueBinding() as queue:
            body = text.encode()
            return trigger_input(body, binary=queue.binary), trigger_metadata(_made_up_facts(), body)
        case HttpTrigger():
            return Datum("http", HttpRequestData("POST", "http://localhost/", body=text.encode())), {}
        case _:
            return Datum("json", trigger_json(None, past_due=False)), {}


def _made_up_facts() -> MessageFacts:
    now = datetime.now(UTC)
    return MessageFacts(str(uuid.uuid4()), "", 1, now, now + timedelta(days=7), now + timedelta(minutes=10))

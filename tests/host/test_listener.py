"""A listener between polls: it sleeps long, and wakes for what its own host puts on its queue."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from local.azurite.server import Azurite
from local.functions_host.backoff import PollingBackoff
from local.functions_host.functions import FunctionDefinition, QueueBinding
from local.functions_host.host_json import QueueOptions
from local.functions_host.invocations import Invoker, Outcome
from local.functions_host.queue_listener import QueueListener
from local.functions_host.queue_output import QueueOutput
from local.functions_host.storage import Storage
from local.functions_host.values import Datum
from tests.host.conftest import DEADLINE_SECONDS, Queues

pytestmark = pytest.mark.azurite

CONNECTION = "AzureWebJobsStorage"
OPTIONS = QueueOptions(16, 8, 5, timedelta(0), timedelta(hours=1), "none")


class HourLongPauses(PollingBackoff):
    """Says when a pause begins, which is then far longer than any test."""

    def __init__(self) -> None:
        super().__init__(3600, lambda: 0.5)
        self.pausing = asyncio.Event()

    def next_seconds(self) -> float:
        self.pausing.set()
        return 3600


class Recorder(Invoker):
    """Takes messages instead of running functions."""

    def __init__(self, output: QueueOutput) -> None:
        super().__init__(output)
        self.bodies: asyncio.Queue[str] = asyncio.Queue()

    async def run(
        self, function: FunctionDefinition, value: Datum, metadata: Mapping[str, Datum] | None = None
    ) -> Outcome:
        await self.bodies.put(value.value)
        return Outcome(True, Datum(None, None))


def test_a_message_put_by_this_host_wakes_its_listener(azurite: Azurite, queues: Queues) -> None:
    asyncio.run(_put_while_it_sleeps(azurite, f"{queues.tag}-woken"))
    assert queues.length("woken") == 0


async def _put_while_it_sleeps(azurite: Azurite, queue_name: str) -> None:
    storage = Storage({CONNECTION: azurite.connection_string()})
    output = QueueOutput(storage, "none")
    recorder, pauses = Recorder(output), HourLongPauses()
    trigger = QueueBinding("msg", queue_name, CONNECTION)
    function = FunctionDefinition("f", "f", trigger, (), False, ())
    listener = QueueListener(function, trigger, OPTIONS, 600, storage, output, recorder, pauses)
    running = asyncio.create_task(listener.run())
    async with asyncio.timeout(DEADLINE_SECONDS):
        await pauses.pausing.wait()
        await output.write(QueueBinding("out", queue_name, CONNECTION), Datum("bytes", b"wake up"))
        assert await recorder.bodies.get() == "wake up"
        listener.stop()
        await running
    storage.close()

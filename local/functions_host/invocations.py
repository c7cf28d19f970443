"""Running a function once: input to the engine, outputs to their queues, one line in the log."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from azure.core.exceptions import AzureError

from local.functions_host import engine
from local.functions_host.functions import FunctionDefinition
from local.functions_host.logs import HOST_LOGGER, short_id
from local.functions_host.queue_messages import BadOutput
from local.functions_host.queue_output import QueueOutput
from local.functions_host.settings import SettingsError
from local.functions_host.storage import describe
from local.functions_host.values import Datum, Invoked

_NO_METADATA: Mapping[str, Datum] = {}


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended, its outputs included."""

    succeeded: bool
    returned: Datum


class Invoker:
    """Runs functions and writes what they put out, before anybody is told that they succeeded."""

    def __init__(self, queues: QueueOutput) -> None:
        self._queues = queues

    async def run(
        self, function: FunctionDefinition, value: Datum, metadata: Mapping[str, Datum] = _NO_METADATA
    ) -> Outcome:
        """Run the function with its trigger's value. An exception in it, or in writing outputs, is a failed outcome."""
        invocation_id = str(uuid.uuid4())
        start = time.perf_counter()
        inputs = [(function.trigger.binding, value)]
        invoked = await engine.invoke(invocation_id, function.function_id, inputs, metadata)
        failure = _described(invoked) if not invoked.succeeded else await self._write(function, invoked)
        _log(function.name, invocation_id, (time.perf_counter() - start) * 1000, failure)
        return Outcome(failure is None, invoked.returned or Datum(None, None))

    async def _write(self, function: FunctionDefinition, invoked: Invoked) -> str | None:
        values = dict(invoked.outputs)
        if invoked.returned is not None:
            values["$return"] = invoked.returned
        try:
            for output in function.outputs:
                if output.binding in values:
                    await self._queues.write(output, values[output.binding])
        except AzureError as error:
            return f"{describe(error)} (writing to the queue of '{output.binding}')"
        except (BadOutput, SettingsError) as error:
            return f"{type(error).__name__} (output '{output.binding}': {error})"
        return None


def _described(invoked: Invoked) -> str:
    return f"{invoked.error_type} ({invoked.error_place})" if invoked.error_place else invoked.error_type


def _log(name: str, invocation_id: str, milliseconds: float, failure: str | None) -> None:
    outcome = "succeeded" if failure is None else f"failed {failure}"
    line = f"{name} {outcome}, {milliseconds:.0f} ms, {short_id(invocation_id)}"
    HOST_LOGGER.log(20 if failure is None else 40, line)

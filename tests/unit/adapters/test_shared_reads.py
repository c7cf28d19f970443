"""Threads that ask the same at the same time: one exchange, and for nobody an older answer than its own would be."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest

from shared.adapters.call_budget import Purpose
from shared.adapters.custom_vision import CustomVisionClient
from shared.adapters.http_exchange import make_session
from shared.adapters.shared_reads import SharedReads
from shared.domain.errors import ResourceAbsent, ServiceUnavailable
from tests.fakes import SettableClock
from tests.unit.adapters.scripted_server import Reply, ScriptedServer
from tests.unit.adapters.service_answers import answer

PROJECT = "7f8fad5b-d9cb-469f-a165-70867728950e"
PATIENCE = 20.0


class Gate:
    """A read that waits for its turn until it is let through, and counts how often the service is asked."""

    def __init__(self) -> None:
        self.waiting, self.turn, self.asked_of = Event(), Event(), 0

    def send(self, asking: Callable[[], None]) -> int:
        self.waiting.set()
        assert self.turn.wait(PATIENCE)
        asking()
        self.asked_of += 1
        return self.asked_of


def until_so_many_share(reads: Any, number: int) -> None:
    """Return when so many threads wait for the answer of another; only the futures themselves know."""
    while sum(len(one._condition._waiters) for one in list(reads._open.values())) < number:
        Event().wait(0.001)


def test_who_comes_while_a_read_waits_for_its_turn_has_its_answer() -> None:
    reads, gate = SharedReads(), Gate()
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(reads.read, "iterations", gate.send)
        assert gate.waiting.wait(PATIENCE)
        others = [pool.submit(reads.read, "iterations", gate.send) for _ in range(3)]
        until_so_many_share(reads, 3)
        gate.turn.set()
        assert [one.result(PATIENCE) for one in (first, *others)] == [1, 1, 1, 1]
    assert gate.asked_of == 1


def test_who_comes_when_the_service_is_being_asked_asks_anew() -> None:
    reads, gate = SharedReads(), Gate()

    def asks_meanwhile(asking: Callable[[], None]) -> tuple[int, int]:
        gate.turn.set()
        asking()
        return 0, reads.read("iterations", gate.send)

    assert reads.read("iterations", asks_meanwhile) == (0, 1)


def test_different_questions_are_asked_each() -> None:
    reads, gate = SharedReads(), Gate()

    def asks_something_else(asking: Callable[[], None]) -> int:
        gate.turn.set()
        return reads.read("tags", gate.send)

    assert reads.read("iterations", asks_something_else) == 1


@pytest.mark.parametrize("error", [ServiceUnavailable("GetIterations"), KeyboardInterrupt()], ids=["fault", "stop"])
def test_what_one_thread_fails_at_the_others_ask_themselves(error: BaseException) -> None:
    reads, gate, waiting, turn = SharedReads(), Gate(), Event(), Event()
    gate.turn.set()

    def fails(asking: Callable[[], None]) -> int:
        waiting.set()
        assert turn.wait(PATIENCE)
        raise error

    def read() -> int:
        return reads.read("iterations", fails)

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(read)
        assert waiting.wait(PATIENCE)
        others = [pool.submit(reads.read, "iterations", gate.send) for _ in range(2)]
        until_so_many_share(reads, 2)
        turn.set()
        assert isinstance(first.exception(PATIENCE), type(error))
        assert sorted(one.result(PATIENCE) for one in others) == [1, 2]
    assert reads.read("iterations", gate.send) == 3


class OneTurnForAll:
    """A budget that gives turns when as many threads as it has been told of wait or have come to share."""

    def __init__(self, come: Event) -> None:
        self.come, self.turns = come, 0

    def acquire(self, purpose: Purpose) -> None:
        assert self.come.wait(PATIENCE)
        self.turns += 1


READS: Sequence[Callable[[CustomVisionClient], object]] = [
    lambda client: [one.id for one in client.get_iterations(PROJECT)],
    lambda client: [one.id for one in client.get_projects()],
    lambda client: client.get_project(PROJECT).id,
    lambda client: client.get_exports(PROJECT, PROJECT),
]


@pytest.mark.parametrize("read", READS, ids=["iterations", "projects", "project", "exports"])
def test_side_by_side_a_client_asks_once_for_what_stands_above_all_units(
    server: ScriptedServer, read: Callable[[CustomVisionClient], object]
) -> None:
    server.answer = lambda asked: answer({"id": PROJECT} if asked.target.endswith(f"projects/{PROJECT}") else [])
    budget, start = OneTurnForAll(Event()), Barrier(5)
    with make_session(4) as session, ThreadPoolExecutor(5) as pool:
        client = CustomVisionClient(
            server.url, key="k" * 32, credential=None, session=session, budget=budget, clock=SettableClock()
        )

        def ask() -> object:
            start.wait(PATIENCE)
            return read(client)

        asked: list[Future[object]] = [pool.submit(ask) for _ in range(5)]
        until_so_many_share(client._reads, 4)
        budget.come.set()
        answers = [one.result(PATIENCE) for one in asked]
    assert answers == [answers[0]] * 5
    assert (len(server.asked), budget.turns) == (1, 1)


def test_a_project_that_is_gone_is_gone_for_whoever_asks(server: ScriptedServer, client: CustomVisionClient) -> None:
    server.answer = lambda _: Reply(404, b"{}")
    for _ in range(2):
        with pytest.raises(ResourceAbsent):
            client.get_project(PROJECT)
    assert len(server.asked) == 2

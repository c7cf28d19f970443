"""A frozen plan is read once a process, and never longer than it stays as it is."""

from shared.frozen_plans import KEPT_SECONDS, LARGEST_PLAN, MOST_PLANS, FrozenPlans
from shared.ledger import RequestLedger
from shared.ports import StoredBlob
from tests.fakes import InMemoryBlobStore

REQUEST = "0f8fad5b-d9cb-469f-a165-70867728950e"
PLAN = {"plan_hash": "sha256:0", "projects": [{"id": "p", "name": "Pets"}]}


class NotingBlobStore(InMemoryBlobStore):
    """Storage that notes which blobs are read."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[str] = []

    def read(self, name: str) -> StoredBlob | None:
        self.noted.append(name)
        return super().read(name)


def test_who_froze_a_plan_need_not_read_it_and_others_read_it_once() -> None:
    store = NotingBlobStore()
    first, second = RequestLedger(store), RequestLedger(store)
    first.save_plan(REQUEST, PLAN)
    assert [first.frozen_plan(REQUEST), second.frozen_plan(REQUEST), second.frozen_plan(REQUEST)] == [PLAN] * 3
    assert store.noted == [f"{REQUEST}/plan.json"]


def test_who_loses_the_race_works_by_the_plan_that_stands() -> None:
    store = NotingBlobStore()
    RequestLedger(store).save_plan(REQUEST, PLAN)
    late = RequestLedger(store)
    assert not late.save_plan(REQUEST, {**PLAN, "plan_hash": "sha256:1"})
    assert late.frozen_plan(REQUEST) == PLAN


def test_a_plan_that_is_not_there_yet_is_looked_for_again() -> None:
    store = NotingBlobStore()
    ledger = RequestLedger(store)
    assert ledger.frozen_plan(REQUEST) is None
    RequestLedger(store).save_plan(REQUEST, PLAN)
    assert ledger.frozen_plan(REQUEST) == PLAN


def test_what_is_done_to_a_plan_is_not_done_to_the_next_ones() -> None:
    ledger = RequestLedger(NotingBlobStore())
    ledger.save_plan(REQUEST, PLAN)
    (ledger.frozen_plan(REQUEST) or {}).clear()
    assert ledger.frozen_plan(REQUEST) == PLAN


def test_the_names_are_gone_here_too_when_a_request_has_ended() -> None:
    ledger = RequestLedger(NotingBlobStore())
    ledger.save_plan(REQUEST, PLAN)
    ledger.forget_plan_names(REQUEST)
    assert ledger.frozen_plan(REQUEST) == ledger.plan(REQUEST) == {**PLAN, "projects": [{"id": "p", "name": None}]}


def test_plans_are_kept_few_small_and_not_for_long() -> None:
    now, asked = [0.0], list[str]()

    def read(request_id: str) -> bytes:
        asked.append(request_id)
        return b'{"a": 1}' if request_id != "large" else b'{"a": "%s"}' % (b"x" * LARGEST_PLAN)

    plans = FrozenPlans(read, seconds=lambda: now[0])
    names = [str(number) for number in range(MOST_PLANS + 1)]
    for name in (*names, names[0], names[-1], "large", "large"):
        assert plans.get(name)
    assert asked == [*names, names[0], "large", "large"]
    now[0] = KEPT_SECONDS
    plans.get(names[-1])
    assert asked[-1] == names[-1]

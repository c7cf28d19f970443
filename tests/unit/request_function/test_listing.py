"""Lists of requests: pages without gaps, and what becomes of a continuation that the storage account never gave."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from request_function.reading import ListQuery, continuation_to, list_requests
from shared.acceptance import accept
from shared.domain.errors import Conflict, InvalidRequest, StorageUnavailable
from shared.domain.validation import validate_erasure
from shared.ledger import RequestLedger
from shared.ports import BlobEntry
from shared.services import Services
from tests.fakes import InMemoryBlobStore
from tests.verify.ledgers import BODY, Ledger

FORGED = {"continuation": continuation_to("anything")}
FIRST, SECOND = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


class RefusingStore(InMemoryBlobStore):
    """A store that answers List Blobs as Azure does where it cannot read a marker (or with another status)."""

    status = 400

    def entries_page(
        self, prefix: str, *, continuation: str | None, page_size: int
    ) -> tuple[Sequence[BlobEntry], str | None]:
        """Refuse."""
        raise StorageUnavailable("list blobs (OutOfRangeInput)", status=self.status)


def services_on(store: RefusingStore) -> Services:
    return replace(Ledger().services(), ledger=RequestLedger(store))


def test_a_continuation_that_the_storage_account_refuses_is_the_callers_mistake() -> None:
    with pytest.raises(InvalidRequest) as refused:
        list_requests(services_on(RefusingStore()), ListQuery.read(FORGED))
    assert [violation.pointer for violation in refused.value.violations] == ["/continuation"]


@pytest.mark.parametrize(("params", "status"), [({}, 400), (FORGED, 503), (FORGED, 403)])
def test_any_other_refusal_is_an_outage(params: dict[str, str], status: int) -> None:
    store = RefusingStore()
    store.status = status
    with pytest.raises(StorageUnavailable):
        list_requests(services_on(store), ListQuery.read(params))


def test_a_request_that_is_sent_again_and_again_does_not_push_others_off_a_page() -> None:
    ledger = Ledger()
    for request_id in (FIRST, SECOND, SECOND, SECOND):
        ledger.clock.advance(1)
        ledger.accepted(request_id)
    page = list_requests(ledger.services(), ListQuery.read({"limit": "2"}))
    assert [request["subject_request_id"] for request in page["requests"]] == [SECOND, FIRST]


def test_a_refused_body_under_a_known_id_leaves_the_list_as_it_was() -> None:
    ledger = Ledger()
    ledger.accepted(FIRST)
    before = list(ledger.services().ledger.index())
    ledger.clock.advance(1)
    with pytest.raises(Conflict):
        accept(
            ledger.services(),
            validate_erasure({"subject_request_id": FIRST, "regulation": "ccpa", **BODY}),
            origin="http",
        )
    assert list(ledger.services().ledger.index()) == before


def test_a_request_sent_twice_in_one_instant_stays_in_the_list() -> None:
    ledger = Ledger()
    ledger.accepted(FIRST)
    ledger.accepted(FIRST)
    assert [entry.request_id for entry in ledger.services().ledger.index()] == [FIRST]

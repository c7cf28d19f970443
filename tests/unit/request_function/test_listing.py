"""Lists of requests: what becomes of a continuation that the storage account never gave."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from request_function.reading import ListQuery, list_requests
from shared.domain.errors import InvalidRequest, StorageUnavailable
from shared.ledger import RequestLedger
from shared.ports import BlobEntry
from shared.services import Services
from tests.fakes import InMemoryBlobStore
from tests.verify.ledgers import Ledger

FORGED = {"continuation": "YW55dGhpbmc="}


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

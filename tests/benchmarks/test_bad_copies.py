"""Late and refused copies are chosen by name, in the shares that were asked for."""

import pytest

from benchmarks.blob_endpoint.bad_copies import BadCopies
from benchmarks.blob_endpoint.calls import Call
from benchmarks.blob_endpoint.server import kind_of

NAMES = [f"images/files/{number}.jpg" for number in range(5000)]


def test_each_trouble_meets_its_share_and_no_name_meets_two() -> None:
    bad = BadCopies(late=100, late_seconds=2.0, busy=50, unreadable=20)
    late = {name for name in NAMES if bad.wait(name) == 2.0}
    codes = {name: refused.code for name in NAMES if (refused := bad.refusal(name))}
    assert not late & set(codes)
    for found, share in ((len(late), 0.1), (list(codes.values()).count("ServerBusy"), 0.05)):
        assert found / len(NAMES) == pytest.approx(share, rel=0.3)
    assert list(codes.values()).count("CannotVerifyCopySource") / len(NAMES) == pytest.approx(0.02, rel=0.5)


def test_a_busy_copy_is_refused_once_and_an_unreadable_one_for_good() -> None:
    busy, unreadable = BadCopies(busy=1000), BadCopies(unreadable=1000)
    assert [busy.refusal("a") is None for _ in range(2)] == [False, True]
    assert [unreadable.refusal("a") is None for _ in range(2)] == [False, False]


def test_without_shares_every_copy_is_well() -> None:
    assert all(BadCopies().refusal(name) is None and BadCopies().wait(name) == 0 for name in NAMES)


def test_calls_are_counted_by_kind_without_ids_and_numbers() -> None:
    target = "/account/gdpr-requests/0d4b1de7-6f8b-4f0c-9a55-0d1f3c8a0b11/units/images-00012.json"
    assert kind_of(Call.of("GET", target, {}, b"")) == "{id}/units/images-N.json"
    assert kind_of(Call.of("GET", "/account/c?comp=list&prefix=_index/", {}, b"")) == "_index/"

"""Which units a phase consists of, and which of them are shown as progress."""

from dataclasses import replace

import pytest

from shared.domain.phases import ERASURE_PHASES, EXPORT_PHASES, counted_phase, has_units, is_counting, phase_of_unit
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestType
from tests.unit.domain.records import new_record


def export_in(phase: str | None) -> RequestRecord:
    return new_record(subject_request_type=RequestType.ACCESS, phase=phase)


def erasure_in(phase: str | None, last_phase: str | None = None) -> RequestRecord:
    return new_record(phase=phase, notes={"last_phase": last_phase} if last_phase else {})


@pytest.mark.parametrize("unit", ["project-00001", "images-00002", "iteration_images-00003", "account-00004"])
def test_units_of_an_export_that_read_the_service_share_a_phase(unit: str) -> None:
    assert phase_of_unit(unit, is_export=True) == "data"


@pytest.mark.parametrize("kind", ["derived", "zip"])
def test_units_of_an_export_that_read_the_package_have_a_phase_each(kind: str) -> None:
    assert phase_of_unit(f"{kind}-00001", is_export=True) == kind


@pytest.mark.parametrize("kind", [*ERASURE_PHASES, "derived", "zip"])
def test_units_of_an_erasure_have_a_phase_each(kind: str) -> None:
    assert phase_of_unit(f"{kind}-00001", is_export=False) == kind


@pytest.mark.parametrize("phase", sorted(EXPORT_PHASES))
def test_an_export_has_units_in_its_three_phases(phase: str) -> None:
    assert has_units(export_in(phase))
    assert counted_phase(export_in(phase)) == phase


@pytest.mark.parametrize("phase", [None, "closing", "images", "unpublish"])
def test_an_export_shows_its_data_where_it_has_no_units(phase: str | None) -> None:
    assert not has_units(export_in(phase))
    assert counted_phase(export_in(phase)) == "data"


@pytest.mark.parametrize("phase", ERASURE_PHASES)
def test_an_erasure_shows_a_phases_units_while_it_works_and_while_it_looks(phase: str) -> None:
    assert has_units(erasure_in(phase))
    assert not has_units(erasure_in(f"{phase}_check"))
    assert counted_phase(erasure_in(phase)) == counted_phase(erasure_in(f"{phase}_check", "tags")) == phase


@pytest.mark.parametrize("phase", [None, "last_look", "data", "derived", "zip"])
def test_an_erasure_without_units_shows_those_of_its_last_phase(phase: str | None) -> None:
    assert not has_units(erasure_in(phase))
    assert counted_phase(erasure_in(phase, "tags")) == "tags"
    assert counted_phase(erasure_in(phase)) == "images"


def test_what_units_have_done_counts_on_until_the_phase_has_been_looked_at() -> None:
    assert is_counting(replace(erasure_in("images"), phase_units=1))
    assert is_counting(erasure_in("images_check"))
    assert not is_counting(erasure_in("last_look"))
    assert not is_counting(erasure_in(None))
    assert is_counting(replace(export_in("data"), phase_units=1))
    assert not is_counting(export_in("closing"))


def test_a_phase_without_units_has_nothing_to_count() -> None:
    assert not is_counting(erasure_in("own_exports"))
    assert not is_counting(export_in("data"))

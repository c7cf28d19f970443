"""Hosts die, the storage goes away, the service fails, messages come twice: what was asked for is done all the same."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.chaos import leftover_checks, package_checks, request_checks, truth_checks
from tests.chaos.conftest import FEWEST_KILLS
from tests.chaos.remains import Remains

pytestmark = [pytest.mark.azurite, pytest.mark.acceptance]


def assert_none(problems: Iterable[str], remains: Remains) -> None:
    """Fail with every problem, and say where the logs are."""
    found = list(problems)
    if found:
        pytest.fail("\n".join([*found, f"Logs and data are in {remains.world.folder}."]), pytrace=False)


def test_the_storm_was_one(remains: Remains, kills: int) -> None:
    assert kills >= remains.log.kills >= min(kills, FEWEST_KILLS)
    assert remains.log.restarts >= 1
    assert remains.log.faults >= FEWEST_KILLS
    assert remains.world.wire.doubled
    assert remains.world.wire.unanswered


def test_no_request_is_lost(remains: Remains) -> None:
    assert_none(request_checks.lost(remains), remains)


def test_no_request_is_there_that_nobody_made(remains: Remains) -> None:
    assert_none(request_checks.strangers(remains), remains)


def test_the_last_run_of_the_schedule_came_although_hosts_died(remains: Remains) -> None:
    assert remains.ended.requests[remains.world.schedule.request_ids[-1]]["subject_request_type"] == "access"


def test_every_request_ends_and_all_say_the_same_of_it(remains: Remains) -> None:
    assert_none(request_checks.untrue_ends(remains), remains)


def test_no_call_was_answered_with_an_error_of_ours(remains: Remains) -> None:
    assert_none(remains.world.problems, remains)


def test_hosts_end_in_good_order_afterwards(remains: Remains) -> None:
    assert remains.ended.exit_codes == [0] * len(remains.world.hosts)


def test_nothing_outside_a_plan_is_touched(remains: Remains) -> None:
    assert_none(truth_checks.wrongly_touched(remains), remains)


def test_a_plan_holds_nothing_that_was_not_meant(remains: Remains) -> None:
    assert_none(truth_checks.planned_too_much(remains), remains)


def test_what_is_completed_has_left_nothing_behind(remains: Remains) -> None:
    assert_none(truth_checks.left_behind(remains), remains)


def test_receipts_say_what_the_service_shows(remains: Remains) -> None:
    assert_none(truth_checks.untrue_receipts(remains), remains)


def test_receipts_say_of_accounts_what_azure_shows(remains: Remains) -> None:
    assert_none(truth_checks.untrue_accounts(remains), remains)


def test_every_package_is_what_its_manifest_says(remains: Remains, tmp_path: Path) -> None:
    assert_none(package_checks.unsound(remains, tmp_path), remains)


def test_packages_hold_what_the_service_held(remains: Remains) -> None:
    assert_none(package_checks.untrue(remains), remains)


def test_a_scheduled_export_without_a_package_names_one_that_stands_for_it(remains: Remains) -> None:
    assert_none(package_checks.unchanged(remains), remains)


def test_nobody_who_was_erased_is_in_a_package(remains: Remains) -> None:
    assert_none(package_checks.with_erased(remains), remains)


def test_every_history_is_whole(remains: Remains) -> None:
    assert_none(remains.audit, remains)


def test_nothing_is_left_over(remains: Remains) -> None:
    assert_none(leftover_checks.leftovers(remains), remains)


def test_no_key_no_link_and_nobody_is_where_they_may_not_be(remains: Remains) -> None:
    scan = remains.world.scan
    kinds = {"names of blobs", "metadata", "blobs of the ledger", "blobs of packages", "messages", "logs", "answers"}
    assert scan.looked_at.keys() >= kinds
    assert scan.seen_where_allowed >= {"blobs of the ledger", "blobs of packages"}
    assert_none(sorted(scan.found), remains)


def test_the_erasure_of_the_account_ends_and_leaves_nothing_of_it(farewell: Remains) -> None:
    problems = [*request_checks.lost(farewell), *request_checks.untrue_ends(farewell)]
    problems += [*truth_checks.left_behind(farewell), *truth_checks.untrue_accounts(farewell)]
    problems += [*truth_checks.wrongly_touched(farewell), *farewell.world.problems]
    assert_none(problems, farewell)
    assert {key[0] for key in farewell.after} == {"account"}


def test_packages_are_without_what_went_with_the_account(farewell: Remains, tmp_path: Path) -> None:
    assert_none([*package_checks.unsound(farewell, tmp_path), *package_checks.with_erased(farewell)], farewell)


def test_after_the_account_too_histories_are_whole_and_nothing_is_left_over(farewell: Remains) -> None:
    assert_none([*farewell.audit, *leftover_checks.leftovers(farewell)], farewell)
    assert farewell.ended.exit_codes == [0] * len(farewell.world.hosts)


def test_nobody_is_where_they_may_not_be_after_the_account_either(farewell: Remains) -> None:
    assert_none(sorted(farewell.world.scan.found), farewell)

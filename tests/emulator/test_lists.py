"""Lists of images: order, ties, pages, filters, counts, and the copies that iterations keep."""

from typing import Any

import pytest

from local.custom_vision.control import EmulatorControl
from tests.emulator.conftest import Api, picture


def _ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def test_newest_comes_first_unless_oldest_is_asked_for(api: Api, control: EmulatorControl) -> None:
    project = control.seed("Pets", 200)["project"]
    newest = [row["created"] for row in api.json("GET", f"/projects/{project}/images?take=256")]
    oldest = [row["created"] for row in api.json("GET", f"/projects/{project}/images?take=256&orderBy=oldest")]
    assert newest == sorted(newest, key=_padded, reverse=True)
    assert oldest == newest[::-1]


def test_a_batch_shares_dates_and_its_ties_break_differently_every_time(api: Api, control: EmulatorControl) -> None:
    project = control.seed("Pets", 200)["project"]
    rows = api.json("GET", f"/projects/{project}/images?take=256")
    assert len({row["created"] for row in rows}) < 150
    again = [_ids(api.json("GET", f"/projects/{project}/images?take=256")) for _ in range(3)]
    assert any(ids != _ids(rows) for ids in again)
    assert all(set(ids) == set(_ids(rows)) for ids in again)


def test_a_page_boundary_in_a_tie_repeats_or_drops_images_unless_switched_off(
    api: Api, control: EmulatorControl
) -> None:
    project = control.seed("Pets", 400)["project"]
    pages = [f"/projects/{project}/images?take=10&skip={skip}" for skip in range(0, 400, 10)]
    unstable = [one for page in pages for one in _ids(api.json("GET", page))]
    assert len(unstable) == 400
    assert len(set(unstable)) < 400
    control.switch(tie_order="stable")
    assert len({one for page in pages for one in _ids(api.json("GET", page))}) == 400


def test_pages_are_as_long_as_asked_and_the_last_one_is_short_or_empty(api: Api, control: EmulatorControl) -> None:
    project = control.seed("Pets", 60)["project"]
    lengths = {
        query: len(api.json("GET", f"/projects/{project}/images?{query}"))
        for query in ("", "take=0", "take=40&skip=40", "take=40&skip=60", "take=256")
    }
    assert list(lengths.values()) == [50, 0, 20, 0, 60]


def test_tagged_and_untagged_are_the_two_parts_of_all(api: Api, control: EmulatorControl) -> None:
    path = f"/projects/{control.seed('Pets', 90, untagged_every=3)['project']}/images"
    parts = [api.json("GET", f"{path}{part}?take=256") for part in ("/tagged", "/untagged", "")]
    assert [len(part) for part in parts] == [60, 30, 90]
    assert set(_ids(parts[0])) | set(_ids(parts[1])) == set(_ids(parts[2]))
    counts = [api.json("GET", f"{path}{part}/count") for part in ("/tagged", "/untagged", "")]
    assert counts == [60, 30, 90]
    assert all("tags" not in row for row in parts[1])


def test_images_with_any_of_the_tags_are_found(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 90, tags=["cat", "dog", "crow"])
    tags = f"{seeded['tags']['cat']},{seeded['tags']['dog']}"
    path = f"/projects/{seeded['project']}/images"
    assert api.json("GET", f"{path}/tagged/count?tagIds={tags}") == 60
    assert len(api.json("GET", f"{path}/tagged?take=256&tagIds={tags.replace(',', '%2C')}")) == 60


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("subject eq 'a'", 20),
        ("metadata=subject eq 'a' and side eq 'left'", 10),
        ("subject eq 'a' or subject eq 'b'", 40),
        ("subject ne 'a'", 40),
        ("subject eq 'it''s'", 0),
        ("missing eq 'a'", 0),
    ],
)
def test_the_filter_reads_metadata(api: Api, control: EmulatorControl, text: str, found: int) -> None:
    pattern = {"subject": ["a", "b", "c"], "side": ["left", "right"]}
    project = control.seed("Pets", 60, metadata=pattern)["project"]
    assert api.json("GET", f"/projects/{project}/images/count", params={"$filter": text}) == found


def test_a_filter_that_cannot_be_read_is_refused(api: Api) -> None:
    answer = api.call("GET", f"/projects/{api.project()}/images", params={"$filter": "subject like 'a'"})
    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest")


def test_images_by_ids_leave_out_unknown_ones_and_keep_no_order(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 40)
    asked = [*seeded["images"], "00000000-0000-4000-a000-000000000000"]
    path = f"/projects/{seeded['project']}/images/id?imageIds={','.join(asked).upper()}"
    orders = [_ids(api.json("GET", path)) for _ in range(3)]
    assert all(set(ids) == set(seeded["images"]) for ids in orders)
    assert any(ids != seeded["images"] for ids in orders)


def test_an_iteration_keeps_its_own_copy_of_images_and_tags(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 4, tags=["cat"], iterations=1)
    path, query = f"/projects/{seeded['project']}", f"?iterationId={seeded['iterations'][0]}"
    tag, image = seeded["tags"]["cat"], seeded["images"][0]
    api.json("PATCH", f"{path}/tags/{tag}", json={"name": "tomcat", "description": "he"})
    api.json("DELETE", f"{path}/images", params={"imageIds": image})
    api.upload(seeded["project"], picture(77))
    assert {row["id"] for row in api.json("GET", f"{path}/images{query}")} == set(seeded["images"])
    assert api.json("GET", f"{path}/images/tagged{query}")[0]["tags"][0]["tagName"] == "cat"
    assert (api.json("GET", f"{path}/tags{query}")[0]["name"], api.json("GET", f"{path}/tags")[0]["name"]) == (
        "cat",
        "tomcat",
    )
    api.json("DELETE", f"{path}/tags/{tag}")
    assert api.json("GET", f"{path}/tags/{tag}{query}")["imageCount"] == 4
    assert api.call("GET", f"{path}/tags/{tag}").status_code == 404


def test_a_deleted_tag_leaves_its_images_untagged(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Cars", 4, tags=["car"], domain="detection")
    path = f"/projects/{seeded['project']}"
    assert len(api.json("GET", f"{path}/images/tagged")[0]["regions"]) == 1
    api.json("DELETE", f"{path}/tags/{seeded['tags']['car']}")
    rows = api.json("GET", f"{path}/images/untagged")
    assert len(rows) == 4
    assert all("regions" not in row for row in rows)


def test_lists_without_an_order_come_in_any_order_unless_switched(api: Api, control: EmulatorControl) -> None:
    project = control.seed("Pets", 0, tags=[f"tag {number}" for number in range(12)])["project"]
    orders = [tuple(_ids(api.json("GET", f"/projects/{project}/tags"))) for _ in range(3)]
    assert len(set(orders)) > 1
    control.switch(list_order="created")
    orders = [tuple(_ids(api.json("GET", f"/projects/{project}/tags"))) for _ in range(3)]
    assert len(set(orders)) == 1


def _padded(created: str) -> str:
    """Dates drop trailing zeros, which plain text order does not forgive."""
    return created.partition(".")[0] + "." + created.partition(".")[2].ljust(7, "0")

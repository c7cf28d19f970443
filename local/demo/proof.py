"""The checks at the end: pure comparisons of what was there before with what is there now."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.demo.snapshot import Snapshot

Json = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """Something that must be true, and what speaks against it."""

    claim: str
    problems: list[str]

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.problems


def person_is_gone(before: Snapshot, after: Snapshot, key: str, person: str) -> Finding:
    """No image of the person is in any workspace or iteration: by the ids from before, and by the metadata now."""
    theirs = before.ids_of(key, person)
    remaining = theirs | after.ids_of(key, person)
    problems = [
        f"{place.name} still holds image {image_id}"
        for place, rows in sorted(after.rows.items())
        for image_id in sorted(remaining & rows.keys())
    ]
    if not theirs:
        problems.append(f"there was no picture of {person} to begin with")
    lists = f"{len(after.rows)} lists (workspaces and iterations)"
    return Finding(f"{person} is in none of the {lists}: {len(theirs)} pictures before, none now.", problems)


def pictures_are_gone(theirs: Collection[str], served: Collection[str], person: str) -> Finding:
    """The links to the person's pictures that were handed out before give nothing any more."""
    problems = [f"the link from before still gives image {image_id}" for image_id in sorted(served)]
    return Finding(f"The links to {person}'s {len(theirs)} pictures, read before, lead nowhere now.", problems)


def others_are_untouched(before: Snapshot, after: Snapshot, key: str, person: str) -> Finding:
    """Everything else is as before: every row in every place, all around them, every byte."""
    theirs = before.ids_of(key, person)
    problems = [] if before.around == after.around else ["tags, iterations, publish names or predictions have changed"]
    for place in sorted(before.rows.keys() | after.rows.keys()):
        was = {image_id: row for image_id, row in before.rows.get(place, {}).items() if image_id not in theirs}
        now = {image_id: row for image_id, row in after.rows.get(place, {}).items() if image_id not in theirs}
        problems += [f"{place.name}: {what}" for what in _differences(was, now)]
    others = before.ids() - theirs
    problems += [
        f"the bytes of image {image_id} are not those that were uploaded"
        for image_id in sorted(others)
        if after.digests.get(image_id) != before.uploaded(image_id)
    ]
    return Finding(f"The other {len(others)} pictures are all there, each row as it was, byte for byte.", problems)


def plan_is_exact(plan: Json, theirs: Collection[str], person: str) -> Finding:
    """An erasure's plan names the person's images and nothing else. (It shows the first 1,000 ids of a project.)"""
    named = [image_id for project in plan["projects"] for image_id in project["image_ids"]]
    number = sum(project["counts"]["images"] for project in plan["projects"])
    problems = [f"it names image {image_id}, which is not of {person}" for image_id in sorted(set(named) - set(theirs))]
    if number != len(theirs):
        problems.append(f"it would erase {number} images, and {len(theirs)} are of {person}")
    return Finding(f"The plan names exactly the {len(theirs)} pictures of {person}.", problems)


def is_kept(request_id: str, receipt: Json) -> bool:
    """Whether an erasure's receipt says that it did not clean the package of this export."""
    kept = [entry["ids"] for entry in receipt["residuals"] if entry["code"] == "kept_export"]
    return any(request_id in ids or not ids for ids in kept)  # no ids: all of them


def package_is_complete(
    before: Snapshot, pictures: Mapping[str, str], rows: Mapping[str, Json], which: str = "downloaded package"
) -> Finding:
    """The package holds the bytes of every image, and the workspaces' rows, as they were `before`; no other picture."""
    ids, listed = before.ids(), before.workspace_ids()
    problems = [f"image {image_id} is missing" for image_id in sorted(ids - pictures.keys())]
    problems += [f"a file of an unknown image {image_id}" for image_id in sorted(pictures.keys() - ids)]
    problems += [
        f"image {image_id} has other bytes"
        for image_id in sorted(ids & pictures.keys())
        if pictures[image_id] != before.uploaded(image_id)
    ]
    problems += [f"the row of image {image_id} is missing or differs" for image_id in sorted(_wrong(before, rows))]
    held = f"all {len(ids)} pictures byte for byte and the workspaces' {len(listed)} rows"
    return Finding(f"The {which} holds {held}.", problems)


def package_has_no_links(files: Iterable[str]) -> Finding:
    """No signed link of the service is in the package."""
    return Finding("No link of the service is in the package.", [f"{file} holds one" for file in files])


def package_is_cleaned(theirs: Collection[str], names: Iterable[str], naming: Iterable[str], person: str) -> Finding:
    """The package in Blob Storage holds no file named after one of the person's images, and none that names them."""
    problems = [f"it holds {name}" for name in names if any(image_id in name for image_id in theirs)]
    problems += [f"{name} still names {person}" for name in naming]
    return Finding(f"The package in Blob Storage holds no picture of {person} any more, and no row.", problems)


def _differences(was: Mapping[str, Json], now: Mapping[str, Json]) -> list[str]:
    return [
        *(f"image {image_id} is gone" for image_id in sorted(was.keys() - now.keys())),
        *(f"image {image_id} is new" for image_id in sorted(now.keys() - was.keys())),
        *(
            f"image {image_id} has changed"
            for image_id in sorted(was.keys() & now.keys())
            if was[image_id] != now[image_id]
        ),
    ]


def _wrong(before: Snapshot, rows: Mapping[str, Json]) -> set[str]:
    truth = {
        image_id: row for place, some in before.rows.items() if not place.iteration_id for image_id, row in some.items()
    }
    return {image_id for image_id, row in truth.items() if _essence(rows.get(image_id, {})) != _told(row)}


def _told(row: Json) -> Json:
    return {
        "tags": sorted(row["tags"]),
        "metadata": row["metadata"],
        "regions": sorted(one["id"] for one in row["regions"]),
    }


def _essence(row: Json) -> Json:
    """The same of an API row, in which empty lists and metadata may be absent."""
    return {
        "tags": sorted(tag["tagName"] for tag in row.get("tags") or ()),
        "metadata": row.get("metadata") or {},
        "regions": sorted(region["regionId"] for region in row.get("regions") or ()),
    }

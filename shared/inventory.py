"""
Reading what there is: which images a list of a project holds, whole or not.

Lists of the service are paged by offset over an order that has ties, and nothing freezes them (Training API v3.3), so
a list counts as read only when the ids seen equal what the count operation says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shared.domain.canonical import digest
from shared.domain.id_set import IdSet
from shared.domain.resources import Image
from shared.domain.work import UNIT_SIZE
from shared.ports import CustomVision, Order

PASSES: tuple[Order, ...] = ("Oldest", "Newest", "Oldest", "Newest")


@dataclass(frozen=True, kw_only=True)
class ListedSource:
    """
    The ids of one list (workspace or an iteration), and whether they equal the service's own count.

    `newest`: digest of the ids of its newest page (`page_digest`), None where the list did not stand still.
    """

    ids: IdSet
    service_count: int
    stable: bool
    newest: str | None = None


def page_digest(ids: Iterable[str]) -> str:
    """Give a digest by which two readings of a page show whether it holds the same ids, in whatever order."""
    return digest("\n".join(sorted(set(ids))).encode())


def list_images(
    client: CustomVision,
    project_id: str,
    *,
    iteration_id: str | None = None,
    observe: Callable[[Sequence[Image]], None] = lambda _: None,
) -> ListedSource:
    """
    List one source until it equals its count: passes from the oldest and the newest end in turn, at most four.

    The count must be the same before and after the pass: an image deleted from a page already read makes a later page
    skip another one, and the number of ids seen would equal the new count all the same.

    `observe` gets every row read, some of them more than once. Ids not seen in the last pass are asked for singly and
    dropped if they are gone.
    """
    ids = IdSet()
    count = client.get_image_count(project_id, iteration_id=iteration_id)
    for order in PASSES:
        before, seen, newest = count, IdSet(), deque[str](maxlen=UNIT_SIZE)
        for page in client.image_pages(project_id, iteration_id=iteration_id, order=order, expected=count):
            observe(page)
            if order == "Oldest" or not newest:  # the last rows of one order, the first page of the other
                newest.extend(image.id for image in page if image.id not in seen)
            seen.update(image.id for image in page)
        unseen = list(ids - seen)
        still_there = client.get_images_by_ids(project_id, unseen, iteration_id=iteration_id) if unseen else []
        seen.update(image.id for image in still_there)
        ids = seen
        count = client.get_image_count(project_id, iteration_id=iteration_id)
        if len(ids) == before == count:
            return ListedSource(ids=ids, service_count=count, stable=True, newest=page_digest(newest))
    return ListedSource(ids=ids, service_count=count, stable=False)

"""Work that waits for the network, done a few items ahead of the one that is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor


def ahead[T, R](items: Iterable[T], work: Callable[[T], R], width: int) -> Iterator[R]:
    """
    Give the results of `work` in the order of the items, with at most `width` of them begun and not given yet.

    An error of an item is raised in its turn; what was begun behind it is dropped.
    """
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(width) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) == width:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

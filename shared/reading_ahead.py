"""Work that waits for the network: a few items ahead of the one that is used, or two things at once."""

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


def together[A, B](first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """
    Do two things at once that do not need each other, and give what both give.

    Both have ended when it returns or raises; of two errors the first one's is raised.
    """
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(second)
        return first(), beside.result()

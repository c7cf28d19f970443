"""Work that waits for the network: a few items ahead of the one that is used, two things at once, one begun early."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice


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


@contextmanager
def begun[T](work: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """
    Begin at once what is needed later; what it gives waits for the result when it is called, or raises its error.

    It has ended when the block is left; an error that nobody has asked for is dropped.
    """
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(work).result


def with_first_read[T](items: Iterator[T]) -> Iterator[T]:
    """Read the first item now, and give all of them; for items that read themselves ahead once they are asked for."""
    return chain(list(islice(items, 1)), items)


def side_by_side[T, R](items: Iterable[T], work: Callable[[T], R], width: int) -> list[R]:
    """
    Give the results of `work` in the order of the items, which `width` threads take from one stack until it is empty.

    For many items of some hundred microseconds each, where a job of its own for each would cost a tenth of that. An
    error is raised when all threads have ended; after it no further item is begun.
    """
    left, found = deque(enumerate(items)), dict[int, R]()

    def take_turns() -> None:
        try:
            while (taken := _taken(left)) is not None:
                found[taken[0]] = work(taken[1])
        finally:
            left.clear()

    with ThreadPoolExecutor(width) as pool:
        jobs = [pool.submit(take_turns) for _ in range(min(width, len(left)))]
    for job in jobs:
        job.result()
    return [found[at] for at in range(len(found))]


def _taken[T](left: deque[T]) -> T | None:
    try:
        return left.popleft()
    except IndexError:
        return None

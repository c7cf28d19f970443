"""
One exchange for several who ask the same at the same time.

Many units and many small requests look at the same project side by side, and each asks for its iterations before it
goes on. While such a call waits for its turn in the call budget, whoever wants the same answer waits with it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Any


class SharedReads:
    """
    Lets threads share the answers of reads.

    Each gets an answer that the service was asked for after the thread came: nothing older than with a call of its
    own. Answers are shared objects, not to be changed. Safe among threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: dict[Hashable, Future[Any]] = {}

    def read[T](self, key: Hashable, send: Callable[[Callable[[], None]], T]) -> T:
        """
        Give what `send` reads, or what another thread's `send` of the same key does that has not begun yet.

        `send` is called with a function that it calls right before it asks the service: who comes later is not let in.
        What another thread fails at is read anew, alone.
        """
        own: Future[T] = Future()
        with self._lock:
            shared = self._open.setdefault(key, own)
        if shared is own:
            return self._sent(key, own, send)
        if shared.exception() is not None:
            return send(lambda: None)
        answer: T = shared.result()
        return answer

    def _sent[T](self, key: Hashable, own: Future[T], send: Callable[[Callable[[], None]], T]) -> T:
        try:
            answer = send(lambda: self._close(key, own))
        except BaseException as error:  # whatever it is, others wait for this
            self._close(key, own)
            own.set_exception(error)
            raise
        self._close(key, own)
        own.set_result(answer)
        return answer

    def _close(self, key: Hashable, own: Future[Any]) -> None:
        with self._lock:
            if self._open.get(key) is own:
                del self._open[key]

"""Being a piece of the local stack in the foreground: it ends with whoever started it, and leaves nothing behind."""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.1
INTERRUPT_BIT = 1 << (signal.SIGINT - 1)


def stop_with_parent(stop_signal: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send `stop_signal` to this process when its parent dies, also after exec. Linux only.

    Call it in the main thread of a process whose parent started it from a thread that lives as long as the parent.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)


def stop_with_make() -> None:
    """Pass on a SIGINT that only make got. Does nothing where the parent is not make. Call it before any thread starts.

    GNU make hands SIGTERM to its children, but leaves SIGINT to the terminal, which sends it to all of them. Sent to
    make alone, it would wait for ever. It blocks SIGINT meanwhile, which a small watching process can see.
    """
    make, piece = os.getppid(), os.getpid()
    if not _is_make(make) or os.fork() != 0:
        return
    stop_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Path(os.devnull).open("r+") as nothing:
        for stream in (0, 1, 2):  # a reader of the piece's output must not wait for this process
            os.dup2(nothing.fileno(), stream)
    _watch(make, piece)
    os._exit(0)


def _watch(make: int, piece: int) -> None:
    blocked = 0
    while blocked < 2 and os.getppid() == piece:  # twice: make blocks it for an instant at other times too
        time.sleep(POLL_SECONDS)
        blocked = blocked + 1 if _blocks_interrupt(make) else 0
    if os.getppid() == piece:
        os.kill(piece, signal.SIGINT)


def _is_make(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() in {"make", "gmake"}
    except OSError:
        return False


def _blocks_interrupt(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    mask = next((line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:")), "0")
    return bool(int(mask, 16) & INTERRUPT_BIT)

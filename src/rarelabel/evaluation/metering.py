"""What a piece of work costs, and how to end it when it costs too much."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["CpuClock", "PeakMemory", "deadline", "one_thread"]


class CpuClock:
    """CPU seconds of this process, all its threads together, spent inside ``with clock:``.

    Examples
    --------
    >>> clock = CpuClock()
    >>> with clock:
    ...     _ = sum(range(100_000))
    >>> clock.seconds > 0
    True
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started = 0.0

    def __enter__(self) -> CpuClock:
        self._started = time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds += time.process_time() - self._started


class PeakMemory:
    """How much the resident memory of this process has grown at its highest, in MB, since the object was made.

    Known on Linux only, where the kernel keeps a high-water mark for each process that the process may reset. Elsewhere
    :attr:`mb` is None. A process that works on several tasks at once has one mark for all.
    """

    _STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")

    def __init__(self) -> None:
        self._start: float | None = None
        try:
            self._RESET.write_text("5")
            self._start = self._field("VmRSS")
        except OSError:
            pass

    @property
    def mb(self) -> float | None:
        """The growth so far."""
        if self._start is None:
            return None
        return max(self._field("VmHWM") - self._start, 0.0)

    def _field(self, name: str) -> float:
        for line in self._STATUS.read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        raise OSError(f"{self._STATUS} has no {name}")


@contextmanager
def deadline(seconds: float | None, what: str) -> Iterator[None]:
    """Raise TimeoutError in the block once it has taken so long.

    The alarm is heard between two steps of Python code, so a single long call into compiled code ends first. In a
    thread other than the main one, and on Windows, there is no alarm, and the block is left to end by itself.

    Parameters
    ----------
    seconds : float or None
        Of wall time. None: for ever.
    what : str
        Named in the error.

    Examples
    --------
    >>> with deadline(0.01, "counting"):
    ...     while True:
    ...         pass
    Traceback (most recent call last):
    ...
    TimeoutError: counting took longer than 0.01 s
    """
    if seconds is None or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: Any) -> None:
        raise TimeoutError(f"{what} took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    earlier, started = signal.setitimer(signal.ITIMER_REAL, seconds)[0], time.monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if earlier:  # an alarm that somebody else had set rings when it was to ring, or now if that has passed
            signal.setitimer(signal.ITIMER_REAL, max(earlier - (time.monotonic() - started), 1e-6))


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep the libraries that NumPy and scikit-learn compute with to one thread, so that results hang on nothing else.

    Threads of processes that share the processors would also stand in each other's way.
    """
    with _thread_pools(len(sys.modules)).limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _thread_pools(n_modules: int) -> ThreadpoolController:
    """What has threads of its own among the libraries loaded; searched again only after an import."""
    return ThreadpoolController()

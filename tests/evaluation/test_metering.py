"""Clocks, memory and deadlines."""

import gc
import signal
import threading
import time

import numpy as np
import pytest

from rarelabel.evaluation.metering import CpuClock, PeakMemory, deadline


def spin(until=lambda: False):
    while not until():
        sum(range(100))


def test_the_clock_adds_up_what_happens_inside_it(monkeypatch):
    now = iter([1.0, 3.0, 10.0, 10.5])
    monkeypatch.setattr(time, "process_time", lambda: next(now))
    clock = CpuClock()
    with clock:
        pass
    with clock:
        pass
    assert clock.seconds == 2.5


def test_the_clock_stops_when_an_error_passes(monkeypatch):
    now = iter([1.0, 3.0])
    monkeypatch.setattr(time, "process_time", lambda: next(now))
    clock = CpuClock()
    with pytest.raises(KeyError), clock:
        raise KeyError
    assert clock.seconds == 2.0


def test_peak_memory_sees_what_was_freed_again():
    gc.collect()  # what is freed meanwhile would be taken off
    memory = PeakMemory()
    if memory.mb is None:
        pytest.skip("this system does not tell")
    np.ones(128 * 2**20 // 8).sum()
    assert 25 < memory.mb < 500


def test_peak_memory_is_unknown_where_the_system_does_not_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(PeakMemory, "_RESET", tmp_path / "none" / "clear_refs")
    assert PeakMemory().mb is None


def test_a_deadline_ends_what_takes_longer_and_says_so():
    with pytest.raises(TimeoutError, match=r"^training took longer than 0\.02 s$"), deadline(0.02, "training"):
        spin()


def test_a_deadline_that_was_kept_leaves_no_trace():
    before = signal.getsignal(signal.SIGALRM)
    with deadline(60, "training"):
        assert signal.getsignal(signal.SIGALRM) is not before
    assert signal.getsignal(signal.SIGALRM) is before


def test_a_deadline_gives_back_the_alarm_that_was_set_before():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    earlier = signal.setitimer(signal.ITIMER_REAL, 100)
    try:
        with deadline(60, "training"):
            pass
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < left <= 100
    finally:
        signal.setitimer(signal.ITIMER_REAL, *earlier)
        signal.signal(signal.SIGALRM, before)


def test_without_seconds_or_in_a_thread_there_is_no_deadline():
    before = signal.getsignal(signal.SIGALRM)
    with deadline(None, "training"):
        assert signal.getsignal(signal.SIGALRM) is before
    done = []

    def work():
        with deadline(60, "training"):
            done.append(signal.getsignal(signal.SIGALRM) is before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_other_errors_pass_through_a_deadline():
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(KeyError), deadline(60, "training"):
        raise KeyError
    assert signal.getsignal(signal.SIGALRM) is before

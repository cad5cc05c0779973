"""The collector is off while something compiles, in any thread, and afterwards as it was."""

from __future__ import annotations

import gc
import threading

import pytest

from symtheano.compile.collector import PausedCollector


def test_it_comes_back_with_the_last_one_out() -> None:
    pause, inside, leave = PausedCollector(), threading.Event(), threading.Event()

    def other() -> None:
        with pause:
            inside.set()
            leave.wait(5)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(5)
    with pause, pause:
        assert not gc.isenabled()
    assert not gc.isenabled()
    leave.set()
    thread.join(5)
    assert gc.isenabled()


def test_an_error_inside_and_a_collector_that_was_off() -> None:
    pause = PausedCollector()
    with pytest.raises(KeyError), pause:
        raise KeyError
    assert gc.isenabled()
    gc.disable()
    try:
        with pause:
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()

"""Processes are found by their mark, with their children, and ended."""

import os
import signal
import subprocess
import sys

import pytest

from load_generator.verifying import processes
from load_generator.verifying.processes import (
    MARK,
    Marked,
    end_all,
    mark,
    marked,
    signal_all,
    sweep,
)
from tests.clients.support.deadlines import wait_until

PATIENCE_S = 30.0
PAUSE = "import signal; signal.pause()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{PAUSE}'])"


def started(code: str, variable: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **variable})


def of(name: str) -> list[int]:
    return [one.pid for one in marked() if one.name == name]


def test_a_mark_is_of_this_run() -> None:
    with started(PAUSE, mark("n-1")) as process:
        wait_until(lambda: of("n-1"), "the mark")
        assert Marked(process.pid, os.getpid(), "n-1") in marked()
        process.kill()


def test_children_are_ended_with_their_parent() -> None:
    with started(PARENT, mark("n-2")) as process:
        wait_until(lambda: len(of("n-2")) == 2, "a child")
        end_all(lambda: of("n-2"))
        assert of("n-2") == []
    assert process.returncode is not None


def test_what_a_run_that_is_gone_left_is_swept_up() -> None:
    with started("", {}) as run:
        run.wait()
    with started(PAUSE, mark("n-3")) as kept, started(PAUSE, {MARK: f"{run.pid}-x"}) as orphan:
        try:
            wait_until(lambda: of("n-3") and of("x"), "the marks")
            # Tests beside this one leave something behind, too, and sweep.
            swept = sweep()
            assert orphan.wait(PATIENCE_S) < 0
            assert kept.pid not in swept
            assert kept.poll() is None
        finally:
            kept.kill()
            orphan.kill()


def test_who_is_gone_is_not_signalled() -> None:
    with started("", {}) as process:
        process.wait()
    signal_all([process.pid], signal.SIGTERM)


def test_what_does_not_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "END_S", 0.0)
    with started("", {}) as process:
        process.wait()
    with pytest.raises(TimeoutError, match="do not end"):
        end_all(lambda: [process.pid])

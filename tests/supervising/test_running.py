"""The loop between a supervision and real children, run as a program of its own."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from amqp_server.supervising.running import last_lines

PATIENCE_MS = 30_000

PROGRAM = """
import sys
from pathlib import Path
from amqp_server.supervising.running import Runner
from amqp_server.supervising.supervision import ChildPlan

CHILD = '''
import os, signal, socket, sys
if sys.argv[1] == "fails":
    print("the reason", flush=True)
    raise SystemExit(3)
if sys.argv[1] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if sys.argv[1] == "reads":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
address = chr(0) + os.environ["NOTIFY_SOCKET"][1:]
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", address)
if sys.argv[1] == "reads":
    signal.sigwait([signal.SIGHUP])
    raise SystemExit(7)
signal.pause()
'''

folder, *kinds = sys.argv[1:]
plans = [
    ChildPlan(f"{kind}{number}", ("/no/program",) if kind == "missing" else
              (sys.executable, "-c", CHILD, kind), number // 2, Path(folder) / str(number),
              restarts=kind == "again", reloads=kind == "reads",
              stop_ms=300 if kind == "deaf" else 20_000)
    for number, kind in enumerate(kinds)
]
say = lambda text: print("SAID", text, flush=True)
on_ready = lambda pids: print("READY", *(f"{name}={pid}" for name, pid in pids.items()), flush=True)
raise SystemExit(0 if Runner(plans, say, on_ready).run() else 1)
"""


class Program:
    """The runner, in a process of its own."""

    def __init__(self, folder: Path, *kinds: str) -> None:
        self.running = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), *kinds],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []

    def line(self, begin: str) -> str:
        """Return the next line that begins so."""
        assert self.running.stdout is not None
        for line in self.running.stdout:
            self.lines.append(line)
            if line.startswith(begin):
                return line
        raise AssertionError(self.lines)

    def pids(self) -> dict[str, int]:
        """Return the children, once all are ready."""
        pairs = (word.split("=") for word in self.line("READY").split()[1:])
        return {name: int(pid) for name, pid in pairs}

    def ended(self) -> int:
        return self.running.wait(PATIENCE_MS / 1000)


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    started: list[Program] = []
    yield started
    for program in started:
        if program.running.poll() is None:
            program.running.kill()
        program.running.wait()
        assert program.running.stdout is not None
        program.running.stdout.close()


def are_gone(pids: dict[str, int]) -> bool:
    """Wait until none of them runs."""
    for pid in pids.values():
        try:
            gone = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        poll = select.poll()
        poll.register(gone, select.POLLIN)
        is_gone = bool(poll.poll(PATIENCE_MS))
        os.close(gone)
        if not is_gone:
            return False
    return True


def started(programs: list[Program], folder: Path, *kinds: str) -> Program:
    programs.append(Program(folder, *kinds))
    return programs[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all(programs: list[Program], tmp_path: Path, number: signal.Signals) -> None:
    program = started(programs, tmp_path, "good", "good", "good")
    pids = program.pids()
    assert len(pids) == 3
    program.running.send_signal(number)
    assert program.ended() == 0
    assert are_gone(pids)


def test_a_hangup_goes_to_those_who_reload_and_ends_nothing(
    programs: list[Program], tmp_path: Path
) -> None:
    program = started(programs, tmp_path, "good", "good", "reads", "good")
    pids = program.pids()
    program.running.send_signal(signal.SIGHUP)
    assert "reads2 ended: exit status 7" in program.line("SAID reads2")
    program.running.send_signal(signal.SIGTERM)
    assert program.ended() == 0
    assert are_gone(pids)


def test_who_does_not_listen_is_killed_in_the_end(programs: list[Program], tmp_path: Path) -> None:
    program = started(programs, tmp_path, "good", "deaf")
    pids = program.pids()
    program.running.send_signal(signal.SIGTERM)
    assert "deaf1 did not end" in program.line("SAID")
    assert program.ended() == 0
    assert are_gone(pids)


def test_a_killed_runner_leaves_nobody(programs: list[Program], tmp_path: Path) -> None:
    program = started(programs, tmp_path, "good", "deaf", "good")
    pids = program.pids()
    program.running.kill()
    program.ended()
    assert are_gone(pids)


def test_a_child_that_dies_is_told_and_comes_back(programs: list[Program], tmp_path: Path) -> None:
    program = started(programs, tmp_path, "good", "good", "again", "again")
    pids = program.pids()
    os.kill(pids["again2"], signal.SIGKILL)
    assert "again2 ended: SIGKILL" in program.line("SAID again2")
    assert "again2 is back" in program.line("SAID")
    program.running.send_signal(signal.SIGTERM)
    assert program.ended() == 0
    assert are_gone(pids)


@pytest.mark.parametrize(
    ("kind", "told"), [("fails", "fails1 ended: exit status 3"), ("missing", "cannot be started")]
)
def test_a_start_that_fails_ends_all(
    programs: list[Program], tmp_path: Path, kind: str, told: str
) -> None:
    program = started(programs, tmp_path, "good", kind, "good")
    if kind == "fails":
        assert "the reason" in program.line("SAID")
    assert told in program.line("SAID")
    assert program.ended() == 1


def test_the_end_of_a_log_is_short(tmp_path: Path) -> None:
    log_file = tmp_path / "log"
    assert last_lines(log_file) == []
    log_file.write_text("".join(f"line {number}\n" for number in range(10_000)))
    assert last_lines(log_file) == ["line 9997", "line 9998", "line 9999"]


def test_of_a_log_with_a_panic_its_reason_is_shown(tmp_path: Path) -> None:
    log_file = tmp_path / "log"
    where = "".join(f"goroutine {number} [running]:\n" for number in range(50))
    log_file.write_text(f"2026 | before\npanic: freepages: failed to get all\n\n{where}")
    assert last_lines(log_file) == ["panic: freepages: failed to get all"]


def test_when_nothing_is_left_it_ends(programs: list[Program], tmp_path: Path) -> None:
    program = started(programs, tmp_path, "good", "good", "good")
    pids = program.pids()
    os.kill(pids["good2"], signal.SIGKILL)
    assert program.ended() == 1
    assert are_gone(pids)

"""Processes by names: started, frozen, killed, stopped; what is read in their logs."""

import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from load_generator.verifying.cluster import Ability
from load_generator.verifying.loopback import Loopback
from load_generator.verifying.machines import Machines
from tests.clients.support.deadlines import wait_until

PROGRAM = "import signal, sys; print('here', flush=True); signal.pause()"
LOG = """\
2026-11-30 07:33:53,862 INFO amqp_server.banner starting HareMQ
2026-11-30 07:34:53,862 ERROR cluster.liveness.liveness lease=53377077774073736 was lost
2026-11-30 07:35:53,862 ERROR amqp_server.app an invariant is broken
Traceback (most recent call last):
AssertionError: it was lost
"""


class Pausing(Machines):
    """Nodes that do nothing, and serve once they have said so."""

    program = PROGRAM

    def command(self, name: str) -> tuple[Sequence[str], Mapping[str, str]]:
        return [sys.executable, "-c", self.program], {}

    def is_ready(self, name: str) -> bool:
        return "here" in (self.place(name) / "log").read_text()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Pausing]:
    made = Pausing(tmp_path, 2, 1, Loopback)
    yield made
    made.close()


def state_of(machines: Machines, name: str) -> str:
    """Return the letter of a process, as ps shows it."""
    (pid,) = machines.network.pids(name)
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_node_is_started_frozen_and_killed(machines: Pausing) -> None:
    machines.launch_all(20.0)
    machines.start("n1")
    assert len(machines.network.pids("n1")) == 1, "what runs is not started again"
    machines.freeze("n1")
    wait_until(lambda: state_of(machines, "n1") == "T", "stopped")
    assert state_of(machines, "n2") == "S"
    machines.thaw("n1")
    wait_until(lambda: state_of(machines, "n1") == "S", "gone on")
    machines.freeze("n1")
    machines.kill("n1")
    assert not machines.is_running("n1")
    machines.start("n1")
    assert machines.is_running("n1")
    machines.stop("n1")
    assert not machines.is_running("n1")


def test_a_node_that_ends_by_itself_is_told_with_its_log(machines: Pausing) -> None:
    machines.program = "raise SystemExit('no such thing')"
    machines.start("n1")
    with pytest.raises(TimeoutError, match="n1 has ended by itself\nno such thing"):
        machines.wait_until_ready("n1", 20.0)


def test_a_node_that_is_deaf_is_not_waited_for_too_long(
    machines: Pausing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("load_generator.verifying.machines.STOP_S", 0.2)
    machines.program = f"import signal; signal.signal({int(signal.SIGTERM)}, lambda *_: None);"
    machines.program += "print('here', flush=True)\nwhile True: signal.pause()"
    machines.start("n1")
    machines.wait_until_ready("n1", 20.0)
    with pytest.raises(TimeoutError, match="n1 does not end"):
        machines.stop("n1")


def test_errors_and_exceptions_in_logs_are_found(machines: Pausing, tmp_path: Path) -> None:
    for node in machines.nodes:
        (machines.place(node) / "log").write_text(LOG if node == "n2" else "")
    assert machines.complaints() == [
        "n2: 2026-11-30 07:35:53,862 ERROR amqp_server.app an invariant is broken",
        "n2: Traceback (most recent call last):",
    ]
    machines.keep_logs(tmp_path / "kept")
    assert (tmp_path / "kept" / "n2.log").read_text() == LOG
    assert not (tmp_path / "kept" / "e1.log").exists(), "it was never started"


def test_what_is_not_to_be_had_is_no_ability(machines: Pausing) -> None:
    assert machines.abilities == {Ability.CUT, Ability.STORE}
    assert machines.leader_of("q") is None
    with pytest.raises(NotImplementedError):
        machines.slow_disk("n1", 10)
    with pytest.raises(NotImplementedError):
        machines.shift_clock("n1", 10)
    with pytest.raises(NotImplementedError):
        machines.freeze_lease("n1")


def test_a_wiped_disk_is_empty(machines: Pausing) -> None:
    data = machines.place("n1") / "data"
    data.mkdir()
    (data / "file").write_text("x")
    machines.wipe("n1")
    assert not data.exists()

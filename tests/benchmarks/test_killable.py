"""A broker that was killed has lost its port: whoever listens there may be another."""

import pytest

from benchmarks.brokers import HAREMQ
from benchmarks.killable import Killable
from benchmarks.scenarios import Durability
from load_generator import processes
from load_generator.session import Endpoint
from load_generator.wire import LoadError

OURS = 7


class Process:
    def start(self) -> None:
        pass

    def owns(self, pid: int) -> bool:
        return pid == OURS

    def kill(self) -> None:
        pass

    def stop(self) -> None:
        pass


def listened_by(pid: int | None, monkeypatch: pytest.MonkeyPatch) -> Killable:
    monkeypatch.setattr(processes, "listener_pid", lambda _port: pid)
    endpoint = Endpoint("127.0.0.1", 5672, "guest", "guest", "/")
    return Killable(HAREMQ, endpoint, Durability.FSYNC, Process())


@pytest.mark.parametrize("pid", [OURS, None])
def test_the_broker_is_the_one_that_was_started(
    pid: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert listened_by(pid, monkeypatch).broker().pid == pid


def test_another_one_at_its_port_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LoadError, match="process 8 has taken port 5672"):
        listened_by(OURS + 1, monkeypatch).broker()

"""A broker is filled, killed, started again, and asked for what it had."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks import restart
from benchmarks.brokers import HAREMQ, RABBITMQ, Broker
from benchmarks.report import Result
from benchmarks.scenarios import Durability, Restart
from load_generator import session, wire
from tests.support.deliveries import delivery
from tests.support.scripted_broker import ScriptedBroker

QUEUES = Restart("restart", "two queues", queue_count=2)
NAMES = ["benchmark.restart.0", "benchmark.restart.1"]
BIND_OK = wire.method(1, wire.QUEUE_BIND_OK)
CONSUME_OK = wire.method(1, wire.BASIC_CONSUME_OK, wire.shortstr("c"))


def declare_ok(ready_count: int) -> bytes:
    arguments = wire.shortstr("q") + struct.pack(">II", ready_count, 0)
    return wire.method(1, wire.QUEUE_DECLARE_OK, arguments)


class Killed:
    """Notes what was done to a broker that is scripted."""

    def __init__(self, scripted: ScriptedBroker) -> None:
        self.scripted = scripted
        self.steps: list[str] = []

    @contextmanager
    def killable(
        self, name: str, durability: Durability, *, speaks_streams: bool
    ) -> Iterator["Killed"]:
        assert not speaks_streams
        self.steps.append(f"{name} {durability}")
        yield self

    def broker(self) -> Broker:
        return Broker(HAREMQ, self.scripted.endpoint, None)

    def start(self) -> None:
        self.steps.append("start")

    def kill(self) -> None:
        self.steps.append("kill")


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Killed]:
    scripted = ScriptedBroker()
    own = Killed(scripted)
    monkeypatch.setattr(session, "connect", scripted.connect)
    monkeypatch.setattr(session, "GOODBYE_TIMEOUT_S", 0.001)
    monkeypatch.setattr(restart, "killable", own.killable)
    monkeypatch.setattr(restart, "_POLL_S", 0.001)
    yield own
    scripted.end()


def script(scripted: ScriptedBroker, *found: bytes) -> None:
    """Say what is heard when two queues are declared, and found again as ``found`` says."""
    declared = declare_ok(0) + BIND_OK
    scripted.log_in(wire.method(1, wire.EXCHANGE_DECLARE_OK), declared, declared)
    scripted.log_in(declare_ok(0))
    scripted.log_in()
    scripted.log_in(wire.method(1, wire.BASIC_QOS_OK), CONSUME_OK, delivery(1, b"x"))
    scripted.log_in(*found)


def measured(own: Killed, durability: Durability = Durability.FSYNC) -> Result:
    assert own.steps == []
    return restart.compare_restarts(QUEUES, [HAREMQ], durability, 1)


def test_a_broker_is_timed_from_its_second_start(own: Killed) -> None:
    script(own.scripted, declare_ok(0), declare_ok(0))
    result = measured(own)
    assert result.errors == {}
    (window,) = result.windows[HAREMQ]
    assert window.serving_s is not None
    assert window.first_message_s is not None
    assert 0 < window.serving_s < window.first_message_s
    assert own.steps == ["HareMQ fsync", "start", "kill", "start"]


def test_queues_are_bound_and_the_last_one_gets_a_message(own: Killed) -> None:
    script(own.scripted, declare_ok(0), declare_ok(0))
    measured(own)
    filled = own.scripted.methods_heard(0)
    assert filled.count(wire.QUEUE_DECLARE) == filled.count(wire.QUEUE_BIND) == len(NAMES)
    published = own.scripted.read(2)
    assert wire.shortstr(restart.EXCHANGE) + wire.shortstr(NAMES[-1]) in published


def test_a_queue_that_is_gone_is_told(own: Killed) -> None:
    not_found = wire.method(1, wire.CHANNEL_CLOSE, b"\x01\x94" + wire.shortstr("gone") + bytes(4))
    script(own.scripted, not_found, wire.method(1, wire.CHANNEL_OPEN_OK, bytes(4)), declare_ok(0))
    result = measured(own)
    assert result.windows[HAREMQ] == []
    assert "1 queues are gone, as benchmark.restart.0" in result.errors[HAREMQ]


def test_a_wrong_count_is_told(own: Killed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart, "COUNT_PATIENCE_S", 0.0)
    declared = declare_ok(0) + BIND_OK
    own.scripted.log_in(wire.method(1, wire.EXCHANGE_DECLARE_OK), declared, declared)
    own.scripted.log_in(declare_ok(3))
    assert "3 messages are ready, not 0" in measured(own).errors[HAREMQ]


def test_definitions_have_one_class(own: Killed) -> None:
    script(own.scripted, declare_ok(0), declare_ok(0))
    assert measured(own, Durability.OS).class_of(HAREMQ) is Durability.FSYNC


def test_rabbitmq_has_its_own_class(own: Killed) -> None:
    result = restart.compare_restarts(QUEUES, [RABBITMQ], Durability.FSYNC, 0)
    assert result.class_of(RABBITMQ) is Durability.OS
    assert own.steps == []

"""A broker with streams is killed, started again, and asked for the last chunk of each."""

from collections.abc import Iterator

import pytest

from benchmarks import stream_restart
from benchmarks.brokers import HAREMQ, Broker
from benchmarks.stream_restart import restart_streams
from benchmarks.stream_scenarios import RestartStreams
from load_generator import session
from load_generator.streams import commands
from load_generator.wire import LoadError
from tests.support.scripted_broker import ScriptedBroker
from tests.support.scripted_stream_broker import answer, chunk, log_in

SCENARIO = RestartStreams("r", "two streams", stream_count=2, message_count=30)


class Killed:
    """Notes what was done to a broker that is scripted."""

    def __init__(self, scripted: ScriptedBroker) -> None:
        self.scripted = scripted
        self.steps: list[str] = []

    def broker(self) -> Broker:
        return Broker(HAREMQ, self.scripted.endpoint, None, stream_endpoint=self.scripted.endpoint)

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
    monkeypatch.setattr(
        stream_restart,
        "fill",
        lambda name, _broker, count, _body: own.steps.append(f"{name} {count}"),
    )
    monkeypatch.setattr(stream_restart, "_POLL_S", 0.001)
    monkeypatch.setattr(stream_restart, "PATIENCE_S", 0.0)
    scripted.say(log_in(), answer(commands.CREATE), answer(commands.CREATE))
    yield own
    scripted.end()


def say_chunk(own: Killed, first_offset: int, count: int) -> None:
    own.scripted.say(log_in(), answer(commands.SUBSCRIBE), chunk(first_offset, count))


def test_a_stream_is_served_when_its_last_chunk_is_there(own: Killed) -> None:
    for first_offset, count in ((20, 10), (0, 30), (0, 30)):
        say_chunk(own, first_offset, count)
    window = restart_streams(SCENARIO, own)  # type: ignore[arg-type] # what is asked of it
    names = [f"benchmark.restart.{number} 30" for number in range(2)]
    assert own.steps == ["start", *names, "kill", "start"]
    assert window.serving_s is not None
    assert window.first_message_s is not None
    assert window.serving_s <= window.first_message_s


def test_messages_that_are_lost_are_told(own: Killed) -> None:
    say_chunk(own, 20, 9)
    with pytest.raises(LoadError, match="ends at 29, not at 30"):
        restart_streams(SCENARIO, own)  # type: ignore[arg-type] # as above

"""Whether a socket is read: what waits, alarms, and whose silence counts."""

import pytest

from amqp_server.broker.alarms import Alarms, Resource
from amqp_server.broker.turn import Turn
from amqp_server.connections.heartbeat import Heartbeat
from amqp_server.connections.reading import Reading

NOW_MS = 1_000


class Rig:
    """One connection's reading, and what it tells."""

    def __init__(self) -> None:
        self.is_stalled = False
        self.told: list[bool] = []
        self.changes_count = 0
        self.alarms = Alarms()
        self.heartbeat = Heartbeat(10, NOW_MS)
        turn = Turn(10)
        turn.now_ms = NOW_MS + 5
        self.reading = Reading(
            self, self.heartbeat, self.alarms, turn, self.told.append, self.change
        )

    @property
    def state(self) -> tuple[bool, bool]:
        return self.reading.is_blocked, self.reading.is_wanted

    def change(self) -> None:
        self.changes_count += 1

    def alarm(self, *, is_low: bool, resource: Resource = Resource.DISK) -> None:
        self.alarms.set(resource, is_low=is_low, now_ms=NOW_MS)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_it_is_read_unless_what_was_read_waits(rig: Rig) -> None:
    seen = [rig.reading.is_wanted]
    for rig.is_stalled in (True, False):
        rig.reading.regulate()
        seen.append(rig.reading.is_wanted)
    assert seen == [True, False, True]
    assert (rig.told, rig.changes_count) == ([], 2), "an alarm it is not"


def test_silence_counts_again_from_where_it_is_read_again(rig: Rig) -> None:
    rig.is_stalled = True
    rig.reading.regulate()
    assert rig.heartbeat.is_suspended
    rig.is_stalled = False
    rig.reading.regulate()
    assert (rig.heartbeat.is_suspended, rig.heartbeat.received_at_ms) == (False, NOW_MS + 5)


def test_an_alarm_blocks_who_publishes_until_all_are_over(rig: Rig) -> None:
    rig.alarm(is_low=True)
    assert rig.state == (False, True), "it has not published"
    rig.reading.block()
    rig.reading.block()
    assert rig.state == (True, False)
    assert rig.told == [True]
    rig.alarm(is_low=True, resource=Resource.MEMORY)
    rig.alarm(is_low=False)
    assert rig.state == (True, False)
    rig.alarm(is_low=False, resource=Resource.MEMORY)
    assert rig.state == (False, True)
    assert rig.told == [True, False]


def test_the_end_of_an_alarm_does_not_read_what_waits_for_something_else(rig: Rig) -> None:
    rig.alarm(is_low=True)
    rig.reading.block()
    rig.is_stalled = True
    rig.alarm(is_low=False)
    assert rig.state == (False, False)


def test_a_connection_that_is_over_is_told_nothing_more(rig: Rig) -> None:
    rig.alarm(is_low=True)
    rig.reading.block()
    rig.reading.end()
    assert rig.state == (False, True)
    rig.alarm(is_low=False)
    assert rig.told == [True]

"""Heartbeats as deadlines: when one is due, and when a silent peer is given up."""

from amqp_server.connections.heartbeat import Heartbeat

START_MS = 5_000
INTERVAL_S = 10


def heartbeat() -> Heartbeat:
    return Heartbeat(INTERVAL_S, START_MS)


def test_an_interval_of_zero_switches_them_off() -> None:
    off = Heartbeat(0, START_MS)
    assert off.next_deadline_ms() is None
    assert not off.is_due(10**12)
    assert not off.is_peer_dead(10**12)


def test_one_is_sent_after_half_an_interval_of_saying_nothing() -> None:
    beat = heartbeat()
    assert beat.next_deadline_ms() == START_MS + 5_000
    assert (beat.is_due(START_MS + 4_999), beat.is_due(START_MS + 5_000)) == (False, True)
    beat.sent_at_ms = START_MS + 4_000
    assert (beat.is_due(START_MS + 8_999), beat.is_due(START_MS + 9_000)) == (False, True)


def test_a_peer_is_dead_after_two_intervals_of_silence() -> None:
    beat = heartbeat()
    dead_at_ms = START_MS + 20_000
    assert (beat.is_peer_dead(dead_at_ms - 1), beat.is_peer_dead(dead_at_ms)) == (False, True)
    beat.received_at_ms = START_MS + 1
    assert (beat.is_peer_dead(dead_at_ms), beat.is_peer_dead(dead_at_ms + 1)) == (False, True)


def test_the_deadline_is_the_earlier_of_the_two() -> None:
    beat = heartbeat()
    beat.sent_at_ms = START_MS + 19_000
    assert beat.next_deadline_ms() == START_MS + 20_000
    beat.received_at_ms = START_MS + 19_000
    assert beat.next_deadline_ms() == START_MS + 24_000


def test_silence_is_not_counted_while_suspended() -> None:
    beat = heartbeat()
    beat.is_suspended = True
    assert not beat.is_peer_dead(10**12)
    beat.sent_at_ms = START_MS + 19_000
    assert beat.next_deadline_ms() == START_MS + 24_000


def test_silence_counts_from_the_resumption() -> None:
    beat = heartbeat()
    beat.is_suspended = True
    beat.hear(can_be_heard=True, now_ms=START_MS + 60_000)
    assert not beat.is_peer_dead(START_MS + 79_999)
    assert beat.is_peer_dead(START_MS + 80_000)

"""The shell of one connection: how it ends, by either side, and what is done until then."""

import logging

import pytest

from amqp_server.net.timers import SPACING_MS
from tests.support.shell_rig import GRACE_MS, ShellRig


@pytest.fixture
def rig() -> ShellRig:
    return ShellRig()


def test_a_peer_that_goes_is_told_to_the_connection_once(rig: ShellRig) -> None:
    rig.connection.on_eof = lambda: rig.connection.send(b"last words")
    rig.side.receive_eof()
    assert rig.side.writes == [b"last words"]
    rig.run()
    assert (rig.connection.eof_count, rig.connection.lost_count, rig.lost_count) == (1, 1, 1)


def test_what_came_before_the_end_is_carried_out_and_answered_first(rig: ShellRig) -> None:
    rig.connection.has_input_left = True
    rig.side.receive_eof()
    rig.hang_up()
    rig.run(2 * GRACE_MS)
    assert not rig.side.is_closing(), "we are slow, not the peer"
    rig.connection.send(b"answer")
    rig.connection.close()
    rig.run()
    assert rig.side.writes == [b"answer"]
    assert (rig.connection.lost_count, rig.lost_count) == (1, 1)


def test_a_peer_that_has_left_and_takes_no_answers_is_given_up(rig: ShellRig) -> None:
    rig.connection.has_input_left = True
    rig.side.peer_reads = False
    rig.side.receive(b"ask")
    rig.side.receive_eof()
    rig.hang_up()
    rig.run(GRACE_MS - 1)
    assert not rig.is_cut_off()
    rig.run(SPACING_MS)
    assert (rig.is_cut_off(), rig.lost_count) == (True, 1)


def test_a_peer_that_has_left_and_takes_answers_slowly_is_not_given_up(rig: ShellRig) -> None:
    rig.connection.has_input_left = True
    rig.side.peer_reads = False
    rig.side.receive(b"ask for much")
    rig.side.receive_eof()
    rig.hang_up()
    for _ in range(5):
        rig.side.take(1)
        rig.run(GRACE_MS)
        assert not rig.is_cut_off()


@pytest.mark.parametrize(
    ("is_reset", "is_waited_for", "is_given_up"),
    [(False, False, False), (False, True, True), (True, False, True)],
)
def test_who_leaves_while_an_alarm_holds_it_is_given_up_if_that_helps_anybody(
    rig: ShellRig, is_reset: bool, is_waited_for: bool, is_given_up: bool
) -> None:
    rig.connection.is_blocked, rig.connection.is_waited_for = True, is_waited_for
    rig.connection.is_wanted = False
    rig.side.receive(b"publish")
    rig.hang_up(is_reset=is_reset)
    rig.run(3 * GRACE_MS)
    assert rig.is_cut_off() is is_given_up


@pytest.mark.parametrize("is_reset", [False, True])
def test_who_leaves_while_its_login_is_held_keeps_its_place(rig: ShellRig, is_reset: bool) -> None:
    """Else hanging up would be a way to guess again at once."""
    rig.connection.is_open = rig.connection.is_wanted = False
    rig.side.receive(b"start-ok")
    rig.hang_up(is_reset=is_reset)
    armed_count = rig.loop.armed_count
    rig.run(5 * GRACE_MS)
    assert not rig.is_cut_off()
    assert rig.loop.armed_count - armed_count <= 6, "looked at once in a grace period"


def test_who_is_read_again_is_not_given_up(rig: ShellRig) -> None:
    rig.connection.is_blocked, rig.connection.is_wanted = True, False
    rig.side.receive(b"publish")
    rig.hang_up()
    rig.connection.is_wanted = True
    rig.connection.on_output()
    rig.run(3 * GRACE_MS)
    assert not rig.is_cut_off(), "its end is read like anybody's"
    assert rig.hang_ups.watched == {}


def test_a_peer_that_is_cut_off_frees_what_it_held_in_the_same_turn(
    rig: ShellRig, caplog: pytest.LogCaptureFixture
) -> None:
    _, others_side, other = rig.connect()
    rig.connection.on_eof = lambda: other.send(b"requeued")
    rig.side.receive(b"hello")
    with caplog.at_level(logging.WARNING):
        rig.side.lose(ConnectionResetError(104, "Connection reset by peer"))
    assert others_side.writes == [b"requeued"]
    assert (rig.connection.lost_count, rig.lost_count) == (1, 1)
    assert caplog.records == [], "a peer that vanishes is no news"


def test_a_connection_without_a_byte_is_a_health_check(
    rig: ShellRig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        rig.side.receive_eof()
        rig.run()
    assert [record.levelname for record in caplog.records] == ["DEBUG"]


def test_a_connection_is_logged_when_it_speaks_and_when_it_goes(
    rig: ShellRig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        rig.side.receive(b"a")
        rig.side.receive(b"b")
        rig.side.receive_eof()
        rig.run()
    assert ["192.0.2.1:51000 -> 192.0.2.2:5672" in text for text in caplog.messages] == [True, True]


def test_closing_writes_all_and_waits_for_the_peers_end(rig: ShellRig) -> None:
    rig.side.receive(b"quit")
    assert rig.side.writes == [b"bye"]
    assert rig.side.has_written_eof
    assert not rig.side.is_closing(), "closing now could reset what is under way"
    rig.side.receive(b"still talking")
    assert rig.connection.received == b"quit"
    rig.side.receive_eof()
    rig.run(GRACE_MS)
    assert not rig.is_cut_off()
    assert (rig.connection.lost_count, rig.lost_count) == (1, 1)


def test_closing_reads_on_even_if_reading_was_stopped(rig: ShellRig) -> None:
    rig.connection.is_wanted = False
    rig.side.receive(b"publish")
    rig.connection.close()
    rig.run()
    assert rig.side.is_reading


def test_a_peer_that_lets_our_closing_wait_is_cut_off(rig: ShellRig) -> None:
    rig.side.receive(b"quit")
    rig.run(GRACE_MS - 1)
    assert not rig.is_cut_off()
    rig.run(1)
    assert rig.is_cut_off()
    assert rig.lost_count == 1


def test_a_peer_that_is_gone_and_takes_nothing_is_cut_off(rig: ShellRig) -> None:
    rig.side.peer_reads = False
    rig.side.receive(b"x")
    rig.side.receive_eof()
    assert rig.side.has_closed
    rig.run(GRACE_MS)
    assert rig.is_cut_off()
    assert rig.lost_count == 1


def test_tls_says_its_own_goodbye() -> None:
    rig = ShellRig(is_tls=True)
    rig.side.receive(b"quit")
    assert rig.side.writes == [b"bye"]
    assert rig.side.has_closed
    assert not rig.side.has_written_eof


def test_what_tls_reads_while_it_closes_is_dropped() -> None:
    rig = ShellRig(is_tls=True)
    rig.connection.on_data = lambda data: rig.connection.close()
    closing = rig.side.close

    def close_in_the_middle_of_reading() -> None:
        rig.side.receive(b"late")
        assert rig.shell.eof_received() is None
        closing()

    rig.side.close = close_in_the_middle_of_reading  # type: ignore[method-assign]
    rig.side.receive(b"close me")
    rig.run()
    assert rig.connection.received == b"close me"
    assert (rig.connection.lost_count, rig.lost_count) == (1, 1)

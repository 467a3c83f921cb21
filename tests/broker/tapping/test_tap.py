"""A tap copies no more than is wanted, and keeps no more than fits."""

from amqp_server.broker.tapping import tap as module
from amqp_server.broker.tapping.tap import Tap
from tests.support.records import run_of


class Woken:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def test_copies_are_cut_and_say_their_size() -> None:
    woken = Woken()
    tap = Tap(100, 3, woken)
    tap.pass_by(run_of(b"hello", b"x"), 1_000)
    copies, lost = tap.take()
    assert [(one.payload, one.payload_bytes, one.at_ms) for one in copies] == [
        (b"hel", 5, 1_000),
        (b"x", 1, 1_000),
    ]
    assert (copies[0].exchange, copies[0].routing_key, lost, woken.count) == ("", "jobs", 0, 1)
    assert tap.take() == ([], 0)


def test_what_is_faster_than_wanted_is_lost() -> None:
    tap = Tap(50, 9, Woken())
    many = run_of(*[b"%d" % number for number in range(100)])
    tap.pass_by(many, 1_000)
    copies, lost = tap.take()
    assert ([one.payload for one in copies], lost) == ([b"0", b"1", b"2", b"3", b"4"], 95)
    tap.pass_by(many, 1_040)
    assert len(tap.take()[0]) == 2
    tap.pass_by(many, 60_000)
    assert len(tap.take()[0]) == 5
    tap.pass_by(many, 60_000)
    assert tap.take() == ([], 100)


def test_one_who_takes_nothing_is_woken_once_and_keeps_little() -> None:
    woken = Woken()
    tap = Tap(module.RATE_MAX, 1 << 16, woken)
    for second in range(50):
        tap.pass_by(run_of(*[bytes(1 << 16)] * 100), second * 1_000)
    copies, lost = tap.take()
    assert sum([len(one.payload) for one in copies]) <= module.WAITING_BYTES_MAX + (1 << 16)
    assert len(copies) + lost == 5_000
    assert woken.count == 1


def test_small_ones_are_counted_too() -> None:
    tap = Tap(module.RATE_MAX, 1, Woken())
    for second in range(50):
        tap.pass_by(run_of(*[b"x"] * 100), second * 1_000)
    copies, lost = tap.take()
    assert (len(copies), lost) == (module.WAITING_MAX, 4_000)


def test_an_end_is_told() -> None:
    woken = Woken()
    tap = Tap(0, 1, woken)
    tap.end()
    assert (tap.is_ended, woken.count) == (True, 1)

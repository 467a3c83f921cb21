"""The cases of the microbenchmark do what they are named after."""

from collections.abc import Callable

import pytest

from benchmarks import turn_of_one
from benchmarks.turn_of_one import CASES, Load

DELIVER = b"\x00\x3c\x00\x3c"
GET_OK = b"\x00\x3c\x00\x47"
ACK = b"\x00\x3c\x00\x50"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn_of_one, "TURNS", 200)
    monkeypatch.setattr(turn_of_one, "ROUNDS", 1)


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_a_case_is_measured(make: Callable[[], Load]) -> None:
    assert len(list(turn_of_one.measure(make))) == 1


@pytest.mark.parametrize(
    ("name", "writes"),
    [
        ("publish", []),
        ("auto-ack", [DELIVER]),
        ("confirm", [ACK]),
        ("confirm-deliver", [ACK, DELIVER]),
        ("ack", []),
        ("get", [GET_OK]),
        ("rpc", [DELIVER, DELIVER]),
        ("keys", [DELIVER]),
    ],
)
def test_a_read_sets_off_what_the_case_says(name: str, writes: list[bytes]) -> None:
    load = CASES[name]()
    load.written.clear()
    load.feed(load.reads[0])
    assert [octets[7:11] for octets in load.written] == writes


def test_a_spread_read_is_delivered_to_every_consumer() -> None:
    load = CASES["spread"]()
    load.written.clear()
    load.feed(load.reads[0])
    assert {octets[7:11] for octets in load.written} == {DELIVER}
    assert b"".join(load.written).count(b"\x06by key\x06key 49") == 20

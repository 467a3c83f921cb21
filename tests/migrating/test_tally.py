"""Which deliveries may be acked."""

import random

import pytest

from amqp_server.migrating.tally import Tally


def tally_of(written: int) -> Tally:
    tally = Tally()
    tally.written = written
    return tally


def test_only_what_is_confirmed_without_a_gap_is_safe() -> None:
    tally = tally_of(5)
    assert not tally.confirmed(2, multiple=False)
    assert not tally.confirmed(4, multiple=False)
    assert tally.safe == 0
    assert tally.confirmed(1, multiple=False)
    assert tally.safe == 2
    assert tally.confirmed(3, multiple=True)
    assert tally.safe == 4
    assert not tally.is_settled
    assert tally.confirmed(5, multiple=False)
    assert tally.is_settled


def test_a_confirm_of_what_was_not_published_is_refused() -> None:
    with pytest.raises(ValueError, match="a confirm of 6, and 5 were published"):
        tally_of(5).confirmed(6, multiple=True)


@pytest.mark.parametrize("seed", range(50))
def test_it_agrees_with_a_naive_set(seed: int) -> None:
    draw, tally, done = random.Random(seed), tally_of(200), set[int]()
    while len(done) < 200:
        number, multiple = draw.randint(1, 200), draw.random() < 0.1
        done |= set(range(1, number + 1)) if multiple else {number}
        tally.confirmed(number, multiple=multiple)
        gaps = set(range(1, 202)) - done
        assert tally.safe == min(gaps) - 1
    assert tally.is_settled

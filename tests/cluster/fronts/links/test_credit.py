"""Credit is gathered, and what is not given is little."""

import random

import pytest

from cluster.fronts.links.credit import IncomingCredit
from cluster.links.errors import LinkError
from cluster.links.settings import KIB, Windows

LIMITS = Windows(0, 64 * KIB, 16 * KIB)


def test_more_than_a_window_is_a_fault() -> None:
    credit = IncomingCredit(LIMITS)
    credit.came("q", 16 * KIB)
    with pytest.raises(LinkError):
        credit.came("q", 1)
    credit = IncomingCredit(LIMITS)
    for name in "abcd":
        credit.came(name, 16 * KIB)
    with pytest.raises(LinkError):
        credit.came("e", 1)


def test_all_credit_is_given_in_the_end_and_little_is_kept_back() -> None:
    dice = random.Random(1)
    credit = IncomingCredit(LIMITS)
    there: list[tuple[str, int]] = []
    came = given = 0
    for _ in range(5_000):
        queue, octets = dice.choice("abcdefgh"), dice.randint(1, 900)
        if credit.bytes_count + octets < 40 * KIB and dice.random() < 0.6:
            if sum(each for name, each in there if name == queue) + octets < 8 * KIB:
                credit.came(queue, octets)
                came += octets
                there.append((queue, octets))
        elif there:
            taken = there.pop(dice.randrange(len(there)))
            given += sum(each for _, each in credit.taken(*taken))
        untaken = sum(each for _, each in there)
        assert came - given == credit.bytes_count
        assert credit.bytes_count - untaken < LIMITS.catch_up_bytes // 16
    for taken in there:
        given += sum(each for _, each in credit.taken(*taken))
    given += sum(each for _, each in credit.all_due())
    assert given == came
    assert credit.bytes_count == 0

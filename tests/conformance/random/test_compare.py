"""Two runs of a script, compared channel by channel."""

import pytest

from conformance.random.compare import Difference, first_difference
from conformance.random.player import Seen

DELIVERED = "basic.deliver consumer_tag=c1 delivery_tag=1 <m1>"


def test_equal_runs_do_not_differ() -> None:
    run: list[Seen] = [{"A1": ("x",)}, {}]
    assert first_difference(run, list(run)) is None


def test_the_first_step_that_differs_is_found() -> None:
    expected: list[Seen] = [{"A1": ("x",)}, {"A1": ("y", "z")}, {"A1": ("v",)}]
    got: list[Seen] = [{"A1": ("x",)}, {"A1": ("z", "y")}, {}]
    assert first_difference(expected, got) == Difference(1, "A1", ("y", "z"), ("z", "y"))


def test_what_only_one_run_saw_differs() -> None:
    found = first_difference([{}], [{"B2": ("x",)}])
    assert found == Difference(0, "B2", (), ("x",))
    assert found.first_lines() == ("", "x")


def test_a_channel_says_more_than_a_queue_and_is_named_first() -> None:
    found = first_difference([{"q1": ("1",), "B1": ("x",)}], [{"q1": ("2",), "B1": ("y",)}])
    assert found is not None
    assert found.place == "B1"


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (("confirmed 1", "confirmed 2"), ("confirmed 2", "confirmed 1")),
        ((DELIVERED, "confirmed 1"), ("confirmed 1", DELIVERED)),
        ((DELIVERED, "tx.commitok"), ("tx.commitok", DELIVERED)),
        (
            ("basic.return <m1>", "confirmed 1", "basic.return <m2>", "confirmed 2"),
            ("basic.return <m1>", "basic.return <m2>", "confirmed 2", "confirmed 1"),
        ),
    ],
)
def test_races_of_confirms_are_not_compared(
    expected: tuple[str, ...], got: tuple[str, ...]
) -> None:
    assert first_difference([{"A1": expected}], [{"A1": got}]) is None


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (("confirmed 1",), ("refused 1",)),
        ((DELIVERED, f"{DELIVERED}2"), (f"{DELIVERED}2", DELIVERED)),
        (("basic.consumeok", DELIVERED), (DELIVERED, "basic.consumeok")),
    ],
)
def test_the_order_of_all_else_is_compared(expected: tuple[str, ...], got: tuple[str, ...]) -> None:
    assert first_difference([{"A1": expected}], [{"A1": got}]) is not None

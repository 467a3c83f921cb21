"""Waits are the longest gaps since the fault; confirms by a deposed leader are told from losses."""

import pytest

from load_generator.verifying.availability import Waits, confirms_by_deposed, share, waits
from load_generator.verifying.history import Value
from tests.support.fault_history import Script


def test_the_wait_is_from_the_fault_to_the_first_confirm() -> None:
    script = Script().published(1).delivered(1).fault().after(3_000).published(2).after(500)
    assert waits(script.delivered(2).rows, ["q"], script.now_ms) == Waits(3_020, 3_530)


def test_a_late_gap_counts_where_it_is_longer() -> None:
    script = Script().fault().published(1).delivered(1).after(4_000).published(2).delivered(2)
    assert waits(script.rows, ["q"], script.now_ms) == Waits(4_030, 4_030)


def test_a_queue_that_nobody_served_any_more_has_no_wait() -> None:
    script = Script().published(1).delivered(1).fault().begun(2)
    assert waits(script.rows, ["q"], script.now_ms) == Waits(None, None)
    script = Script().fault().published(1).delivered(1)
    assert waits(script.rows, ["q", "other"], script.now_ms) == Waits(None, None)


def test_what_comes_after_the_publishers_have_stopped_is_not_looked_at() -> None:
    script = Script().fault().published(1).delivered(1)
    until_ms = script.now_ms
    assert waits(script.after(9_000).delivered(1).rows, ["q"], until_ms) == Waits(20, 30)


@pytest.mark.parametrize(("percent", "value"), [(50, 2), (99, 4), (100, 4), (25, 1), (26, 2)])
def test_a_share_is_the_value_that_so_many_do_not_exceed(percent: int, value: int) -> None:
    assert share([4, 1, 3, 2], percent) == value


def test_of_no_values_the_share_is_0() -> None:
    assert share([], 99) == 0


def test_a_confirm_behind_the_successors_of_what_it_lacks_is_by_a_deposed_leader() -> None:
    script = Script().begun(1).fault().published(2, node="n2", publisher=2)
    script.delivered(2, publisher=2).confirmed(1, node="n1").mended()
    lost = [Value("q", 1, 1)]
    assert confirms_by_deposed(script.rows, lost) == lost


def test_a_loss_before_a_successor_served_is_no_such_confirm() -> None:
    script = Script().fault().published(1, node="n1").published(2, node="n2", publisher=2)
    assert confirms_by_deposed(script.mended().rows, [Value("q", 1, 1)]) == []


def test_a_loss_of_the_same_node_is_no_such_confirm() -> None:
    script = Script().fault().published(2, node="n1", publisher=2).published(1, node="n1")
    assert confirms_by_deposed(script.rows, [Value("q", 1, 1)]) == []


def test_confirms_of_what_is_not_lost_are_all_right() -> None:
    script = Script().fault().published(2, node="n2", publisher=2).published(1, node="n1")
    assert confirms_by_deposed(script.rows, []) == []

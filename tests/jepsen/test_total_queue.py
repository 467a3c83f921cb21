"""The checker counts as Jepsen's does."""

import pytest

from tests.jepsen.total_queue import TotalQueue, total_queue
from tests.support.fault_history import Script

GOOD = TotalQueue(2, 2, 2, 2, 0, 0, 0, 0)


def test_what_went_in_and_came_out_is_ok() -> None:
    verdict = total_queue(Script().published(1, 2).delivered(1).drained(2).rows)
    assert verdict == GOOD
    assert verdict.text().endswith("valid")
    assert verdict.is_valid


@pytest.mark.parametrize(
    ("script", "changed"),
    [
        (Script().published(1, 2).delivered(1), {"dequeues": 1, "ok": 1, "lost": 1}),
        (Script().published(1, 2).delivered(1, 2, 3), {"dequeues": 3, "unexpected": 1}),
        (Script().published(1, 2).delivered(1, 2, 2, 2), {"dequeues": 4, "duplicated": 2}),
        (Script().published(1).begun(2).delivered(1, 2), {"enqueues": 1, "recovered": 1}),
        (
            Script().published(1).begun(2).refused(2).delivered(1, 2),
            {"enqueues": 1, "recovered": 1},
        ),
    ],
    ids=["lost", "unexpected", "duplicated", "recovered", "refused and recovered"],
)
def test_each_count_counts(script: Script, changed: dict[str, int]) -> None:
    fields = {name: getattr(GOOD, name) for name in GOOD.__slots__}
    verdict = total_queue(script.rows)
    assert verdict == TotalQueue(**{**fields, **changed})
    assert verdict.is_valid is not ({"lost", "unexpected"} & set(changed) != set())

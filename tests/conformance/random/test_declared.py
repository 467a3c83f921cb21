"""Differences that are meant: each row says why, and its patterns are patterns."""

import re

from conformance.random.compare import Difference
from conformance.random.declared import DECLARED, Declared, declared
from conformance.random.script import Step

ROW = Declared("name", "why", r"queue\.delete", r"basic\.cancel .*", "")
DIFFERENCE = Difference(3, "A1", ("same", "basic.cancel consumer_tag=c1"), ("same",))


def test_a_row_is_found_by_the_step_and_the_first_lines_that_differ() -> None:
    assert declared(DIFFERENCE, Step("A1", "queue.delete"), [ROW]) is ROW
    assert declared(DIFFERENCE, Step("A1", "queue.purge"), [ROW]) is None
    other = DIFFERENCE._replace(got=("same", "more"))
    assert declared(other, Step("A1", "queue.delete"), [ROW]) is None


def test_every_row_has_a_name_of_its_own_a_reason_and_patterns() -> None:
    assert len({row.name for row in DECLARED}) == len(DECLARED)
    for row in DECLARED:
        assert row.why
        for pattern in (row.method, row.expected, row.got):
            re.compile(pattern)

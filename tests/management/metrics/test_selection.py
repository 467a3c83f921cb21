"""What ``/metrics/detailed`` is asked for."""

import pytest

from management.http.request import parsed_query
from management.metrics.selection import (
    PATTERN_CHARACTERS_MAX,
    SelectionError,
    selection_of,
)


def test_without_parameters_no_family_of_all_things_is_wanted() -> None:
    selection = selection_of(parsed_query(""))
    assert selection.families == frozenset()
    assert selection.wants_vhost("any")
    assert selection.wants_queue("any")


def test_families_and_vhosts_may_be_named_several_times() -> None:
    selection = selection_of(parsed_query("family=a&vhost=%2F&family=b&vhost=c"))
    assert selection.families == {"a", "b"}
    assert [selection.wants_vhost(name) for name in ("/", "c", "d")] == [True, True, False]


def test_a_pattern_is_found_anywhere_in_a_name() -> None:
    wants = selection_of(parsed_query("queue=b%24")).wants_queue
    assert [wants(name) for name in ("ab", "ba")] == [True, False]
    assert selection_of(parsed_query("queue=")).wants_queue("any")
    assert selection_of(parsed_query("queue=" + "a" * PATTERN_CHARACTERS_MAX)) is not None


@pytest.mark.parametrize("pattern", ["a" * (PATTERN_CHARACTERS_MAX + 1), "(", "[z-a]"])
def test_another_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(SelectionError, match="regex"):
        selection_of(parsed_query(f"queue={pattern}"))


def test_a_pattern_that_would_take_for_ever_is_given_up() -> None:
    wants = selection_of(parsed_query("queue=(a*)*$")).wants_queue
    assert not wants("a" * 200 + "b" + "\n")

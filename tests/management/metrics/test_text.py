"""The text format: lines, labels and what is escaped in them."""

from management.metrics.family import GAUGE, Family, Group, itself
from management.metrics.text import STRETCH, labels, written
from tests.support.scrapes import labels_of, parsed

FAMILY = Family("size", GAUGE, "of \\ it\nall", itself)


def test_a_family_is_help_type_and_samples() -> None:
    group = Group((FAMILY,), (("", 1), (labels(a="b", c="d"), 0.5), ("{}", None)))
    assert "".join(written(group, "my_")) == (
        "# HELP my_size of \\\\ it\\nall\n"
        "# TYPE my_size gauge\n"
        "my_size 1\n"
        'my_size{a="b",c="d"} 0.5\n'
    )


def test_a_group_may_have_names_and_keys_of_its_own() -> None:
    group = Group((FAMILY,), (("{}", 1),), "", lambda item: f'{{of="{item[1]}"}}')
    assert 'size{of="1"} 1\n' in "".join(written(group, "my_"))


def test_what_would_end_a_label_is_escaped() -> None:
    odd = 'a"b\\n\\\n},c="'
    assert labels_of(f"x{labels(name=odd)}") == {"name": odd}


def test_many_things_come_in_stretches() -> None:
    items = [(labels(n=str(number)), number) for number in range(STRETCH * 2 + 1)]
    pieces = list(written(Group((FAMILY,), items), ""))
    assert len(pieces) == 2 + 3
    assert len(parsed("".join(pieces)).samples) == len(items)

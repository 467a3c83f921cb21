"""Tables of text."""

import pytest

from command_line.table import CELL_WIDTH_MAX, cell, table_lines, value_at, width


def test_columns_are_of_one_width_and_numbers_to_the_right() -> None:
    rows = [{"name": "a", "messages": 5}, {"name": "long", "messages": 1000}]
    lines = table_lines(rows, ("name", "messages"), has_head=True, is_cut=False)
    assert lines == ["name  messages", "a            5", "long      1000"]


def test_a_list_of_nothing_is_its_head() -> None:
    assert table_lines([], ("a", "b"), has_head=True, is_cut=True) == ["a  b"]
    assert table_lines([], ("a", "b"), has_head=False, is_cut=True) == []


def test_wide_characters_take_two_places() -> None:
    assert width("日本") == 4
    assert width("e\u0301") == 1
    rows = [{"a": "日本", "b": "x"}, {"a": "ab", "b": "y"}]
    assert table_lines(rows, ("a", "b"), has_head=False, is_cut=False) == ["日本  x", "ab    y"]


def test_long_cells_are_cut_on_a_terminal_only() -> None:
    row = {"a": "x" * 100}
    [cut] = table_lines([row], ("a",), has_head=False, is_cut=True)
    assert (len(cut), cut[-1]) == (CELL_WIDTH_MAX, "…")
    assert table_lines([row], ("a",), has_head=False, is_cut=False) == ["x" * 100]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        ({}, ""),
        ([], ""),
        (True, "true"),
        (0, "0"),
        (2.50, "2.5"),
        (0.0, "0"),
        (["a", "b\n"], r"a,b\n"),
        ({"a": ["\x1b"]}, r'{"a":["\u001b"]}'),
    ],
)
def test_a_value_is_one_line(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_a_field_inside_another_is_found() -> None:
    row = {"a": {"b": {"c": 1}}, "x.y": 2}
    assert (value_at(row, "a.b.c"), value_at(row, "x.y"), value_at(row, "a.z.c")) == (1, 2, None)

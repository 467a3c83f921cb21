"""Nothing that others named drives a terminal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command_line.escape import escaped, escaped_in_json, escaped_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("orders", "orders"),
        ("naïve 日本", "naïve 日本"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x9b31m", r"\x9b31m"),
        ("\x00\x7f", r"\x00\x7f"),
        ("abc\u202edcba", r"abc\u202edcba"),
        ("\udcff", r"\xff"),
    ],
)
def test_a_name_is_one_harmless_line(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_ends_of_lines_are_kept_where_they_are_ours() -> None:
    assert escaped_lines("a\tb\n\x1b\n") == "a\tb\n\\x1b\n"


@given(st.text())
def test_json_keeps_its_value_and_drives_nothing(text: str) -> None:
    shown = escaped_in_json(json.dumps(text, ensure_ascii=False))
    assert json.loads(shown) == text
    assert escaped(shown) == shown

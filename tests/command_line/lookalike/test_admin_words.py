"""Options and ``name=value``."""

import pytest

from command_line.errors import CommandError
from command_line.lookalike.admin_words import given, taken_apart


def test_options_stand_anywhere() -> None:
    words, options = taken_apart(["-f", "tsv", "list", "queues", "--vhost=w", "-q"])
    assert words == ["list", "queues"]
    assert options == {"format": "tsv", "vhost": "w", "quiet": "true"}
    assert taken_apart(["list", "--help"])[0] == ["help"]


def test_a_value_may_hold_an_equals_sign() -> None:
    assert given(["a=b=c", "d="]) == {"a": "b=c", "d": ""}
    with pytest.raises(CommandError):
        given(["a"])

"""Arguments and JSON as users type them."""

import pytest

from command_line.commands.fields import arguments_of, json_object, json_or_text, json_value
from command_line.errors import CommandError


def test_an_argument_is_json_or_a_text() -> None:
    assert arguments_of(["a=5", "b=true", "c=x=y", 'd={"e":1}', "f="], None) == {
        "a": 5,
        "b": True,
        "c": "x=y",
        "d": {"e": 1},
        "f": "",
    }


def test_one_argument_comes_on_top_of_all() -> None:
    assert arguments_of(["a=2"], '{"a":1,"b":1}') == {"a": 2, "b": 1}


@pytest.mark.parametrize("given", ["a", "=5"])
def test_what_is_no_argument_is_refused(given: str) -> None:
    with pytest.raises(CommandError):
        arguments_of([given], None)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "[1]"])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(CommandError):
        json_object(text, "it")


def test_a_value_is_json() -> None:
    assert json_value("[1]", "it") == [1]
    assert json_or_text("[" * 100_000) == "[" * 100_000
    with pytest.raises(CommandError):
        json_value("x", "it")

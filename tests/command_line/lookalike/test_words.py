"""What users type."""

import pytest

from command_line.errors import CommandError
from command_line.lookalike.program import commands_of
from command_line.lookalike.results import Done
from command_line.lookalike.words import FLAG, Command, number, taken_apart, wrong

COMMANDS = {
    "go": Command(
        lambda call: Done(call.node),
        least=1,
        most=2,
        options={"--fast": FLAG},
        short={"-f": "--fast"},
    )
}


def test_options_stand_anywhere() -> None:
    typed = taken_apart(["-q", "-p", "w", "go", "a", "--fast", "--timeout=5", "b"], COMMANDS)
    assert (typed.name, typed.args) == ("go", ["a", "b"])
    assert typed.options == {"quiet": "", "vhost": "w", "fast": "", "timeout": "5"}
    assert wrong(typed, COMMANDS["go"]) == ""


def test_short_options_of_a_command_come_before_the_usual_ones() -> None:
    assert taken_apart(["go", "-f", "a"], COMMANDS).options == {"fast": ""}


def test_what_is_behind_two_dashes_is_an_argument() -> None:
    assert taken_apart(["go", "--", "-x"], COMMANDS).args == ["-x"]
    assert taken_apart(["go", "-5", "-"], COMMANDS).args == ["-5", "-"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["go"], "not enough arguments."),
        (["go", "a", "b", "c"], "too many arguments."),
        (["go", "a", "--zork"], "Invalid options for this command:\n--zork : "),
        (["go", "a", "-p"], "Invalid options for this command:\n-p : "),
        (
            ["go", "a", "--formatter", "json", "--no-table-headers"],
            "Invalid options for this command:\n--no-table-headers : ",
        ),
    ],
)
def test_what_is_wrong_is_said(words: list[str], text: str) -> None:
    assert wrong(taken_apart(words, COMMANDS), COMMANDS["go"]) == text


def test_a_form_that_is_none_is_wrong() -> None:
    typed = taken_apart(["go", "a", "--formatter", "zork"], COMMANDS)
    assert "no formatter zork" in wrong(typed, COMMANDS["go"])


def test_a_number() -> None:
    assert number("5", "it") == 5
    with pytest.raises(CommandError):
        number("x", "it")


def test_every_banner_can_be_written() -> None:
    for tool in ("rabbitmqctl", "rabbitmq-diagnostics"):
        assert all(
            command.most is None or command.least <= command.most
            for command in commands_of(tool).values()
        )

"""The forms of the output, and outputs that cannot be written."""

import csv
import errno
import io
import json
from typing import Any

import pytest
import yaml

from command_line.errors import CommandError
from command_line.output import FORMS, Output, ReaderLeftError, json_text

ROWS = [{"name": "a\x1b[2J", "messages": 1, "arguments": {"x": [1]}}, {"name": "b", "messages": 2}]


class Terminal:
    def __init__(self, out: io.TextIOBase | None = None, *, is_terminal: bool = False) -> None:
        self.out: Any = io.StringIO() if out is None else out
        self.is_terminal = is_terminal


class Failing(io.StringIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def write(self, _text: str) -> int:
        raise self._error


def printed(form: str, **given: Any) -> str:  # noqa: ANN401
    terminal = Terminal()
    Output(terminal, form, **given).rows(ROWS, ("name", "messages"))
    return str(terminal.out.getvalue())


def test_a_table() -> None:
    assert printed("table") == "name      messages\na\\x1b[2J         1\nb                2\n"
    assert printed("table", has_head=False).count("\n") == 2
    assert printed("table", columns=["messages"]) == "messages\n       1\n       2\n"


def test_json_has_all_fields_or_those_that_are_named() -> None:
    assert json.loads(printed("json")) == ROWS
    assert json.loads(printed("json", columns=["name"])) == [{"name": "a\x1b[2J"}, {"name": "b"}]


def test_json_lines() -> None:
    assert [json.loads(line) for line in printed("jsonl").splitlines()] == ROWS


def test_csv_can_be_read_again() -> None:
    rows = list(csv.reader(io.StringIO(printed("csv", columns=["name", "arguments"]))))
    assert rows == [["name", "arguments"], [r"a\x1b[2J", '{"x":[1]}'], ["b", ""]]


def test_yaml_can_be_read_again() -> None:
    assert yaml.safe_load(printed("yaml")) == ROWS


@pytest.mark.parametrize("form", FORMS)
def test_no_form_drives_a_terminal(form: str) -> None:
    assert "\x1b" not in printed(form)


def test_a_thing_is_a_line_for_each_field() -> None:
    terminal = Terminal()
    Output(terminal).thing({"name": "q", "arguments": {}, "messages": 0})
    assert terminal.out.getvalue() == "name       q\narguments\nmessages   0\n"


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(errno.EPIPE, "gone")])
def test_a_reader_that_leaves_is_no_error(error: Exception) -> None:
    with pytest.raises(ReaderLeftError):
        Output(Terminal(Failing(error))).raw("x")


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space"), ValueError("closed file")])
def test_an_output_that_cannot_be_written_is_an_error(error: Exception) -> None:
    with pytest.raises(CommandError) as caught:
        Output(Terminal(Failing(error))).raw("x")
    assert caught.value.status == 74


def test_a_closed_output_is_an_error() -> None:
    terminal = Terminal()
    terminal.out = None
    with pytest.raises(CommandError):
        Output(terminal).rows(ROWS, ("name",))


def test_what_is_no_number_is_null() -> None:
    assert json_text({"a": [float("nan"), 1.5]}) == '{"a": [null, 1.5]}'


def test_events_come_a_line_each() -> None:
    for form, line in (("table", "1  b\n"), ("jsonl", '{"n": 1, "m": "b"}\n')):
        terminal = Terminal()
        Output(terminal, form).event({"n": 1, "m": "b"}, ("n", "m"))
        assert terminal.out.getvalue() == line


def test_what_is_said_to_a_person_is_no_part_of_json() -> None:
    terminal = Terminal()
    Output(terminal, "json").said("done")
    assert not terminal.out.getvalue()


def test_progress_is_for_a_person_at_a_terminal() -> None:
    for form, is_terminal, shown in (
        ("table", True, "\r\x1b[K1 of 2 \\x1b"),
        ("table", False, ""),
        ("json", True, ""),
    ):
        terminal = Terminal(is_terminal=is_terminal)
        Output(terminal, form).progress("1 of 2 \x1b")
        assert terminal.out.getvalue() == shown

"""Lines of the log: their forms, what peers may not do in them, and the last ones."""

import json

import pytest

from amqp_server.net.log_lines import LogLine, RecentLines, TextForm, form_of, json_form, printable


def line(number: int = 1, message: str = "listening", traceback: str = "") -> LogLine:
    return LogLine(number, 1_700_000_000_042, "info", "amqp_server.net", message, traceback)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with ünïcode and \N{RABBIT}", "plain, with ünïcode and \N{RABBIT}"),
        ("eve\n2026-11-29 ERROR forged", "eve\\n2026-11-29 ERROR forged"),
        ("\x1b[2Jgone\x00\x7f", "\\x1b[2Jgone\\x00\\x7f"),
        ("\u202eright to left\u2028", "\\u202eright to left\\u2028"),
        ("\udcff", "\\udcff"),
        ("a\N{NO-BREAK SPACE}b", "a\N{NO-BREAK SPACE}b"),
    ],
)
def test_controls_of_peers_are_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_the_lines_of_a_traceback_stay() -> None:
    assert printable("one\n  two\x1b\r", lines=True) == "one\n  two\\x1b\\r"


def test_a_json_line_is_an_object_in_one_line() -> None:
    text = json_form(line(message='say "hi"', traceback="one\ntwo"))
    assert text.count("\n") == 1
    assert json.loads(text) == {
        "time": "2023-11-14T22:13:20.042Z",
        "level": "info",
        "logger": "amqp_server.net",
        "message": 'say "hi"',
        "traceback": "one\ntwo",
    }
    assert form_of("json") is json_form
    assert isinstance(form_of("text"), TextForm)


def test_the_last_lines_are_kept_up_to_a_count_and_a_size() -> None:
    recent = RecentLines(lines_max=3, characters_max=1_000)
    assert (recent.last_number, list(recent.behind(0))) == (0, [])
    for number in range(1, 6):
        recent.add(line(number))
    assert [one.number for one in recent.behind(0)] == [3, 4, 5]
    assert [one.number for one in recent.behind(4)] == [5]
    assert list(recent.behind(9)) == []
    recent.add(line(6, "x" * 2_000))
    assert [one.number for one in recent.behind(0)] == [6]
    recent.add(line(7))
    assert [one.number for one in recent.behind(0)] == [7]

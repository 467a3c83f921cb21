"""Which generation a line is of, and its parts."""

import pytest

from command_line.errors import CommandError
from command_line.lookalike.admin_second_rows import SHORT
from command_line.lookalike.admin_second_words import is_second, taken_apart


@pytest.mark.parametrize(
    ("line", "second"),
    [
        ("", False),
        ("--help", False),
        ("list queues", False),
        ("-V list list queues name", False),
        ("list queues -f raw_json --sort name", False),
        ("declare queue name=q durable=true", False),
        ("publish routing_key=message payload=x", False),
        ("get queue=messages", False),
        ("-k list queues", False),
        ("--insecure list queues", True),
        ("--non-interactive list queues", True),
        ("declare queue --name q", True),
        ("declare queue --name=q", True),
        ("-V x publish message -k a", True),
        ("get messages -q q", True),
        ("-u definitions list queues", False),
        ("-u eve definitions export", True),
        ("close user_connections --username eve", True),
        ("show churn", True),
    ],
)
def test_a_line_is_of_one_generation(line: str, second: bool) -> None:
    assert is_second(line.split()) is second


def test_options_are_of_the_call_or_of_the_command() -> None:
    words = "-q -p secret -u eve publish message -k a -p {} -V w --payload=x=y --non-interactive"
    line = taken_apart(words.split(), SHORT)
    assert (line.group, line.command) == ("publish", "message")
    assert line.options == {
        "quiet": "true",
        "password": "secret",
        "username": "eve",
        "vhost": "w",
        "non-interactive": "true",
    }
    assert line.own == {"routing-key": "a", "properties": "{}", "payload": "x=y"}


def test_a_flag_takes_no_word() -> None:
    line = taken_apart(["delete", "queue", "--idempotently", "--name", "q"], SHORT)
    assert line.own == {"idempotently": "true", "name": "q"}


@pytest.mark.parametrize("line", ["--host", "list queues x", "get messages -z", "a b --name"])
def test_what_is_wrong(line: str) -> None:
    with pytest.raises(CommandError):
        taken_apart(line.split(), SHORT)

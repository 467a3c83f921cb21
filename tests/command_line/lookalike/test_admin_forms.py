"""The forms of ``rabbitmqadmin``."""

import json

from command_line.lookalike.admin_forms import boxed, formatted

ROWS = [{"name": "q", "messages": 1}, {"name": "a\x1b", "messages": 22}]
NAMES = ("name", "messages")


def test_forms() -> None:
    assert json.loads(formatted("raw_json", ROWS, NAMES)) == ROWS
    assert json.loads(formatted("pretty_json", ROWS, NAMES)) == ROWS
    assert formatted("tsv", ROWS, NAMES) == "name\tmessages\nq\t1\na\\x1b\t22\n"
    assert formatted("kvp", ROWS[:1], NAMES) == 'name="q" messages="1"\n'
    assert formatted("bash", ROWS, NAMES) == "q a\\x1b\n"
    assert "messages  1\n" in formatted("long", ROWS, NAMES)
    assert formatted("table", ROWS, NAMES) == boxed(NAMES, [["q", "1"], ["a\\x1b", "22"]])


def test_a_box() -> None:
    assert boxed(["name"], [["q"]]) == "+------+\n| name |\n+------+\n| q    |\n+------+\n"

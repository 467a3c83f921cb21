"""The table of commands, and how one is begun."""

import inspect

import pytest

from amqp_server.broker.admin import COMMANDS, Admin
from amqp_server.broker.commands.job import Answer
from tests.support.desk import JOBS, PLAIN, Desk
from tests.support.frames import table
from tests.support.peer import Node


def test_every_command_says_what_it_needs() -> None:
    assert COMMANDS["purge_queue"].needs == ("vhost", "name", "username")
    assert all("self" not in command.needs for command in COMMANDS.values())
    assert {"publish", "get", "put_user", "import_definitions", "begin"} - set(COMMANDS) == {
        "begin"
    }


def test_a_command_is_carried_out_in_the_turns_to_come() -> None:
    node = Node()
    answers: list[Answer] = []
    Admin(node.broker).begin("declare_queue", {**JOBS, **PLAIN}, answers.append)
    assert answers == []
    node.end_turns()
    assert answers == [Answer(value=True)]
    assert node.vhost.queues.find("jobs") is not None


def test_a_command_begins_at_the_time_of_its_turn_however_long_ago_the_last_one_was() -> None:
    node = Node()
    node.end_turns()
    node.now_ms += 3_600_000
    given = {**JOBS, **PLAIN, "arguments": table({"x-expires": 60_000})}
    Admin(node.broker).begin("declare_queue", given, lambda _: None)
    node.end_turns()
    node.broker.on_deadline(node.now_ms)
    node.end_turns()
    assert node.vhost.queues.find("jobs") is not None


def test_all_commands_do_what_they_say_by_their_names() -> None:
    desk = Desk()
    assert desk.do("declare_queue", **JOBS, **PLAIN) is True
    with pytest.raises(KeyError):
        desk.do("no such command")


def test_the_operator_may_give_every_command_that_checks_rights() -> None:
    """A command that asks for a user's rights takes None: the operator has no name."""
    about_a_user = {"log_in", "close_connections_of_user"}
    for name, command in COMMANDS.items():
        if "username" in command.needs and name not in about_a_user:
            asker = inspect.signature(command.carry_out).parameters["username"]
            assert asker.annotation == str | None, name

"""``haremq queues move``, ``copy`` and ``redrive``."""

import json

import pytest

from command_line import exit_status
from command_line.errors import CommandError
from command_line.transport import Answer
from tests.command_line.commands.test_jobs import Going, job
from tests.support.typed_commands import Scripted, Typed


@pytest.fixture(autouse=True)
def queues(typed: Typed) -> None:
    for name in ("a", "b"):
        typed("queues", "declare", name)
    for body in ("one", "two", "three"):
        typed("publish", "a", body)


def counts(typed: Typed) -> tuple[int, int]:
    a, b = (typed("queues", "show", name, "-o", "json").json["messages"] for name in "ab")
    return a, b


def test_messages_move(typed: Typed) -> None:
    said = typed("queues", "move", "a", "b", "--count", "2", "--yes")
    assert (said.status, said.out) == (0, "job 1 done: 2 of 2 moved\n")
    assert counts(typed) == (1, 2)
    assert typed("queues", "move", "a", "b", "-y", "-o", "json").json["moved"] == 1
    assert counts(typed) == (0, 3)


def test_a_move_asks_and_says_what_it_would_do(typed: Typed) -> None:
    refused = typed("queues", "move", "a", "b", "-n", "2")
    assert refused.status == exit_status.USAGE
    assert "move 2 of 3 ready messages of the queue a of the vhost / to the queue b" in refused.err
    assert typed("queues", "move", "a", "b", typed="n").status == exit_status.FAILED
    assert counts(typed) == (3, 0)
    assert typed("queues", "move", "a", "b", typed="y").status == 0
    assert counts(typed) == (0, 3)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("move", "a", "a", "-y"), 65),
        (("move", "a", "nowhere", "-y"), 65),
        (("move", "nowhere", "a", "-y"), 65),
        (("move", "a", "origin", "-y"), 64),
        (("copy", "a", "origin"), 64),
        (("move", "a", "b", "-n", "0", "-y"), 64),
        (("move", "a", "b", "--rate", "0", "-y"), 64),
        (("move", "a", "b", "--regexp", "(", "-y"), 65),
    ],
)
def test_what_cannot_be_moved(typed: Typed, words: tuple[str, ...], status: int) -> None:
    assert typed("queues", *words).status == status
    assert counts(typed) == (3, 0)


def test_a_copy_chooses_and_does_not_ask(typed: Typed) -> None:
    said = typed("queues", "copy", "a", "b", "--regexp", "^t")
    assert (said.status, said.out) == (0, "job 1 done: 2 of 3 copied, 1 did not match\n")
    assert counts(typed) == (3, 2)


def test_a_move_chooses_and_the_others_stay(typed: Typed) -> None:
    refused = typed("queues", "move", "a", "b", "--text", "t")
    assert "move those that match of 3 of 3 ready messages" in refused.err
    said = typed("queues", "move", "a", "b", "--text", "t", "-y")
    assert (said.status, said.out) == (0, "job 1 done: 2 of 3 moved, 1 did not match\n")
    assert counts(typed) == (1, 2)


def test_fields_of_the_job_are_shown_where_they_are_named(typed: Typed) -> None:
    said = typed("queues", "copy", "a", "b", "--columns", "id,state")
    assert said.out.split() == ["id", "1", "state", "done"]


def test_dead_letters_go_back(typed: Typed) -> None:
    dead = ("-a", "x-dead-letter-exchange=", "-a", "x-dead-letter-routing-key=dead")
    typed("queues", "declare", "dead")
    typed("queues", "declare", "orders", "-a", "x-max-length=1", *dead)
    for body in ("1", "2", "3"):
        typed("publish", "orders", body)
    asked = typed("queues", "redrive", "dead").err
    assert "2 of 2 ready messages" in asked
    assert "where each of them died first" in asked
    typed("queues", "purge", "orders", "-y")
    assert typed("queues", "redrive", "dead", "-n", "1", "-y").status == 0
    assert typed("queues", "show", "orders", "-o", "json").json["messages"] == 1


def test_what_has_nowhere_to_go_is_no_success(typed: Typed) -> None:
    said = typed("queues", "redrive", "a", "-y")
    assert (said.status, said.out) == (65, "job 1 done: 0 of 3 moved, 3 skipped\n")
    assert said.err == "haremq: 3 messages had nowhere to go and are still in a\n"
    assert counts(typed) == (3, 0)


@pytest.mark.parametrize(
    ("last", "status", "text"),
    [
        (job("failed", 9, error="queue 'b' is full"), 65, "job 7 failed: queue 'b' is full"),
        (job("cancelled", 9), 1, "job 7 was cancelled"),
    ],
)
def test_how_a_job_ended_is_the_status(last: object, status: int, text: str) -> None:
    said = Typed(way=Going(last))("queues", "copy", "a", "b", "-o", "jsonl")
    assert (said.status, said.json["moved"]) == (status, 9)
    assert said.err == f"haremq: {text}\n"


def test_without_an_answer_it_says_that_a_job_may_have_begun() -> None:
    way = Scripted(CommandError("no answer", exit_status.TEMPORARY))
    said = Typed(way=way)("queues", "copy", "a", "b")
    assert said.status == exit_status.TEMPORARY
    assert said.err.startswith("it is not known whether a job has begun: see haremq jobs list\n")


def test_a_refusal_is_only_said() -> None:
    body = json.dumps({"error": "unavailable", "reason": "16 jobs go on already"}).encode()
    said = Typed(way=Scripted(Answer(503, {}, body)))("queues", "copy", "a", "b")
    assert (said.status, said.err) == (exit_status.TEMPORARY, "haremq: 16 jobs go on already\n")

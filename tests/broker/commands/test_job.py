"""A command under way: its steps, its answer, and when that comes."""

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.commands.job import Answer, CommandJob
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.steps import Steps
from queues.commits import CommitPoint
from tests.support.commits import FakeCommits, FakeDisk
from tests.support.desk import JOBS, PLAIN, Desk
from tests.support.peer import Node


def counted(done: list[int]) -> Steps[str]:
    for number in range(5):
        done.append(number)
        yield
    return "all"


def test_it_takes_steps_while_there_is_time() -> None:
    node = Node()
    times = iter(range(100))
    node.broker.turn.budget = TurnBudget(lambda: next(times), 3)
    done: list[int] = []
    answers: list[Answer] = []
    job = CommandJob(node.broker, counted(done), answers.append)
    node.broker.turn.later(job)
    node.broker.turn.budget.begin()
    assert node.broker.end_turn(node.now_ms) is True
    assert 0 < len(done) < 5
    while not answers:
        node.broker.turn.budget.begin()
        node.broker.end_turn(node.now_ms)
    assert (done, answers) == ([0, 1, 2, 3, 4], [Answer("all")])


def test_a_refusal_is_an_answer_and_a_bug_too() -> None:
    def refused() -> Steps[None]:
        yield
        raise NotFoundError("no such thing")

    def broken() -> Steps[None]:
        yield
        raise ZeroDivisionError

    node = Node()
    answers: list[Answer] = []
    for steps in (refused(), broken()):
        node.broker.turn.later(CommandJob(node.broker, steps, answers.append))
    node.end_turns()
    first, second = answers
    assert isinstance(first.error, NotFoundError)
    assert "internal error" in str(second.error)


def test_an_answer_waits_until_the_journal_is_safe() -> None:
    disk = FakeDisk()
    desk = Desk(Node(disk=disk))
    answers: list[Answer] = []
    desk.admin.begin("declare_queue", {**JOBS, **PLAIN}, answers.append)
    desk.node.end_turns()
    assert answers == []
    disk.commit_all()
    assert answers == [Answer(value=True)]


def test_an_answer_waits_for_the_message_that_was_published() -> None:
    class Outcome:
        safe_at: CommitPoint

    group = FakeCommits()
    outcome = Outcome()
    outcome.safe_at = CommitPoint(group, 7)

    def published() -> Steps[Outcome]:
        yield
        return outcome

    node = Node()
    answers: list[Answer] = []
    node.broker.turn.later(CommandJob(node.broker, published(), answers.append))
    node.broker.turn.later(CommandJob(node.broker, published(), answers.append))
    node.end_turns()
    assert answers == []
    group.commit(7)
    assert [answer.is_safe for answer in answers] == [True, True]
    outcome.safe_at = CommitPoint(group, 8)
    node.broker.turn.later(CommandJob(node.broker, published(), answers.append))
    node.end_turns()
    group.fail()
    assert answers[-1].is_safe is False


def test_a_command_that_is_given_up_never_answers() -> None:
    node = Node()
    done: list[int] = []
    answers: list[Answer] = []
    job = CommandJob(node.broker, counted(done), answers.append)
    node.broker.turn.later(job)
    job.give_up()
    job.give_up()
    node.end_turns()
    assert (done, answers) == ([], [])


def test_a_command_that_waits_for_something_outside_is_answered_when_it_came() -> None:
    node = Node()
    wakes: list[int] = []
    node.broker.woken_by(lambda: wakes.append(1))
    awaited = Awaited[str]()
    answers: list[Answer] = []
    for _ in range(2):
        node.broker.turn.later(CommandJob(node.broker, awaited.value(), answers.append))
    given_up = CommandJob(node.broker, awaited.value(), answers.append)
    node.broker.turn.later(given_up)
    node.end_turns()
    assert (answers, node.broker.turn.waiting_count) == ([], 0)
    given_up.give_up()
    awaited.set("all")
    assert wakes
    node.end_turns()
    assert answers == [Answer("all")] * 2

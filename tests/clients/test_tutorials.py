"""The seven tutorial patterns, as programs that know nothing of each other but names."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.clients.support.deadlines import wait_until
from tests.clients.support.names import Names
from tests.clients.support.programs import Program
from tests.clients.support.requirements import PROGRAMS

pytestmark = [pytest.mark.clients, pytest.mark.timeout(90)]

TUTORIALS = PROGRAMS / "tutorials"
Start = Callable[..., Program]


@pytest.fixture
def start(broker_uri: str, names: Names) -> Iterator[Start]:
    """Start a tutorial's program with arguments; all are stopped at the test's end."""
    env = {
        "AMQP_URL": broker_uri,
        "HELLO_QUEUE": names.queue("hello"),
        "TASK_QUEUE": names.queue("tasks"),
        "RPC_QUEUE": names.queue("rpc"),
        "LOGS_EXCHANGE": names.exchange("logs"),
        "KEYED_EXCHANGE": names.exchange("keyed"),
    }
    with ExitStack() as running:

        def start_program(script: str, *arguments: str) -> Program:
            program = Program([sys.executable, TUTORIALS / script, *arguments], env)
            return running.enter_context(program)

        yield start_program


def finish(program: Program) -> list[str]:
    """Return the output of a program, which must end by itself with 0."""
    assert program.wait() == 0, program.output
    return program.lines


def test_hello_world(start: Start) -> None:
    receiver = start("receive.py")
    receiver.wait_for_line("waiting")

    assert finish(start("send.py")) == ["sent Hello World!"]

    receiver.wait_for_line("received Hello World!")
    receiver.interrupt()
    assert finish(receiver)[-1] == "closed"


def test_work_queues_share_the_tasks_among_the_workers(start: Start) -> None:
    workers = [start("worker.py"), start("worker.py")]
    for worker in workers:
        worker.wait_for_line("waiting")
    tasks = [f"task{number}" for number in range(20)]

    finish(start("new_task.py", *tasks))

    def done_by_each() -> list[list[str]]:
        return [
            [line.split()[1] for line in worker.lines if line.startswith("done")]
            for worker in workers
        ]

    wait_until(lambda: sum(map(len, done_by_each())) == len(tasks), "every task to be done")
    done = done_by_each()
    assert sorted(done[0] + done[1]) == sorted(tasks)
    assert all(done), "each of them had a share"


def test_work_queues_give_a_dead_workers_task_to_another(start: Start) -> None:
    first = start("worker.py")
    first.wait_for_line("waiting")
    finish(start("new_task.py", "stuck", "after"))
    first.wait_for_line("started stuck redelivered=False")
    second = start("worker.py")
    second.wait_for_line("done after")

    first.stop()

    second.wait_for_line("done stuck")
    assert "started stuck redelivered=True" in second.lines


def test_publish_subscribe_reaches_every_listener(start: Start) -> None:
    listeners = [start("receive_logs.py") for _ in range(3)]
    for listener in listeners:
        listener.wait_for_line("waiting")

    finish(start("emit_log.py", "info: all is well"))

    for listener in listeners:
        listener.wait_for_line("heard info: all is well")


def test_routing_selects_by_key(start: Start) -> None:
    everything = start("receive_keyed.py", "direct", "info", "warning", "error")
    errors = start("receive_keyed.py", "direct", "error")
    for listener in (everything, errors):
        listener.wait_for_line("waiting")

    finish(start("emit_keyed.py", "direct", "info=a", "debug=b", "error=c"))

    everything.wait_for_lines("heard", 2)
    errors.wait_for_line("heard")
    assert everything.lines[1:] == ["heard info=a", "heard error=c"]
    assert errors.lines[1:] == ["heard error=c"]


def test_topics_select_by_pattern(start: Start) -> None:
    patterns = {"#": 5, "kern.*": 2, "*.critical": 2, "kern.#": 4}
    listeners = {key: start("receive_keyed.py", "topic", key) for key in patterns}
    for listener in listeners.values():
        listener.wait_for_line("waiting")
    keys = ["kern.critical", "kern", "kern.a.b", "cron.critical", "kern.info"]

    finish(start("emit_keyed.py", "topic", *(f"{key}=x" for key in keys)))

    heard = {
        pattern: [
            line.removeprefix("heard ").removesuffix("=x")
            for line in listeners[pattern].wait_for_lines("heard", count)
        ]
        for pattern, count in patterns.items()
    }
    assert heard == {
        "#": keys,
        "kern.*": ["kern.critical", "kern.info"],
        "*.critical": ["kern.critical", "cron.critical"],
        "kern.#": ["kern.critical", "kern", "kern.a.b", "kern.info"],
    }


def test_rpc_answers_each_client(start: Start) -> None:
    start("rpc_server.py").wait_for_line("waiting")
    clients = [start("rpc_client.py", "30", "7"), start("rpc_client.py", "10", "0")]

    assert [finish(client) for client in clients] == [
        ["fibonacci(30) = 832040", "fibonacci(7) = 13"],
        ["fibonacci(10) = 55", "fibonacci(0) = 0"],
    ]


def test_publisher_confirms_all_three_ways(start: Start) -> None:
    assert finish(start("publisher_confirms.py", "500")) == [
        "one by one: 500 confirmed",
        "in batches: 500 confirmed",
        "as they come: 500 confirmed",
    ]

"""amqp-tools, the shell's clients over librabbitmq: declare, publish, get, consume, delete."""

from collections.abc import Callable

import pytest
from pika.adapters.blocking_connection import BlockingChannel

from tests.clients.support.inbox import Inbox
from tests.clients.support.names import Names
from tests.clients.support.pika_calls import declare_exchange, get
from tests.clients.support.programs import Program, run
from tests.clients.support.requirements import require_tool

pytestmark = [pytest.mark.clients, pytest.mark.timeout(90)]

Tool = Callable[..., tuple[int, str]]


@pytest.fixture
def tool(broker_uri: str) -> Tool:
    """Run ``amqp-<word>`` against the broker; return its exit code and output."""

    def run_tool(word: str, *options: str, text_in: str | None = None) -> tuple[int, str]:
        command = [require_tool(f"amqp-{word}"), "-u", broker_uri, *options]
        return run(command, text_in=text_in)

    return run_tool


def start_consuming(broker_uri: str, *options: str) -> Program:
    return Program([require_tool("amqp-consume"), "-u", broker_uri, *options])


def test_a_queue_is_declared_filled_read_and_deleted(tool: Tool, names: Names) -> None:
    queue = names.queue()

    assert tool("declare-queue", "-q", queue, "-d") == (0, queue)
    assert tool("publish", "-r", queue, "-p", "-b", "hello") == (0, "")
    assert tool("get", "-q", queue) == (0, "hello")
    code, _ = tool("get", "-q", queue)
    assert code == 2, "amqp-get ends with 2 when the queue is empty"
    assert tool("delete-queue", "-q", queue) == (0, "0")


def test_a_queue_without_a_name_is_given_one(tool: Tool) -> None:
    code, name = tool("declare-queue", "-q", "")

    assert code == 0
    assert name.startswith("amq.gen-")
    assert tool("delete-queue", "-q", name) == (0, "0")


def test_what_a_publish_says_of_itself_arrives(
    tool: Tool, names: Names, pika_channel: BlockingChannel
) -> None:
    queue = names.queue()
    pika_channel.queue_declare(queue)
    options = ("-p", "-C", "text/plain", "-E", "utf-8", "-t", "answers", "-H", "colour: blue")

    assert tool("publish", "-r", queue, *options, text_in="from standard in") == (0, "")
    got = get(pika_channel, queue)

    assert got is not None
    assert got.body == b"from standard in"
    assert got.properties.headers == {"colour": "blue"}
    assert (
        got.properties.delivery_mode,
        got.properties.content_type,
        got.properties.content_encoding,
        got.properties.reply_to,
    ) == (2, "text/plain", "utf-8", "answers")


def test_each_line_may_be_a_message(
    tool: Tool, names: Names, pika_channel: BlockingChannel
) -> None:
    queue = names.queue()
    pika_channel.queue_declare(queue)
    inbox = Inbox(pika_channel, queue, auto_ack=True)

    assert tool("publish", "-r", queue, "-l", text_in="one\ntwo\nthree\n") == (0, "")
    inbox.wait_for(3)

    assert inbox.bodies == [b"one\n", b"two\n", b"three\n"]


def test_consume_pipes_each_message_into_a_command(
    broker_uri: str, tool: Tool, names: Names, pika_channel: BlockingChannel
) -> None:
    queue = names.queue()
    pika_channel.queue_declare(queue)
    with start_consuming(broker_uri, "-q", queue, "-c", "3", "-p", "1", "cat") as consumer:
        for body in ("a\n", "b\n", "c\n", "d\n"):
            assert tool("publish", "-r", queue, "-b", body) == (0, "")

        assert consumer.wait() == 0
        assert consumer.lines == ["a", "b", "c"]

    (left,) = Inbox(pika_channel, queue).wait_for(1)
    assert left.body == b"d\n"


def test_a_failing_command_leaves_the_message_to_be_delivered_again(
    broker_uri: str, tool: Tool, names: Names, pika_channel: BlockingChannel
) -> None:
    queue = names.queue()
    pika_channel.queue_declare(queue)
    assert tool("publish", "-r", queue, "-b", "unacked") == (0, "")
    with start_consuming(
        broker_uri, "-q", queue, "--", "sh", "-c", "cat; echo; exit 1"
    ) as consumer:
        consumer.wait_for_line("unacked")

    (again,) = Inbox(pika_channel, queue).wait_for(1)
    assert (again.body, again.redelivered) == (b"unacked", True)


def test_consume_binds_an_exclusive_queue_to_an_exchange(
    broker_uri: str, tool: Tool, names: Names, pika_channel: BlockingChannel
) -> None:
    exchange = names.exchange()
    declare_exchange(pika_channel, exchange, "topic")
    options = ("-x", "-e", exchange, "-r", "news.#", "-A", "-c", "1", "cat")
    with start_consuming(broker_uri, *options) as consumer:
        consumer.wait_for_line("Server provided queue name: amq.gen-")
        bound_and_published = False
        while consumer.is_running:
            # The tool says its queue's name before it binds it: publish until one arrives.
            assert tool("publish", "-e", exchange, "-r", "news.local", "-b", "heard\n")[0] == 0
            bound_and_published = True

        assert bound_and_published
        assert consumer.wait() == 0
        assert consumer.lines[-1] == "heard"


@pytest.mark.parametrize(
    ("word", "options"),
    [("get", ("-q", "{x}")), ("consume", ("-q", "{x}", "cat")), ("delete-queue", ("-q", "{x}"))],
)
def test_a_missing_queue_is_told(
    tool: Tool, names: Names, word: str, options: tuple[str, ...]
) -> None:
    code, output = tool(word, *(option.format(x=names.prefix) for option in options))

    if word == "delete-queue":
        assert (code, output) == (0, "0"), "RabbitMQ says that zero messages were deleted"
    else:
        assert code == 1
        assert f"server channel error 404, message: NOT_FOUND - no queue '{names.prefix}'" in output


def test_a_queue_that_is_not_empty_is_kept_when_asked(
    tool: Tool, names: Names, pika_channel: BlockingChannel
) -> None:
    queue = names.queue()
    pika_channel.queue_declare(queue)
    assert tool("publish", "-r", queue, "-b", "kept") == (0, "")
    code, output = tool("delete-queue", "-e", "-q", queue)

    assert code == 1
    assert f"message: PRECONDITION_FAILED - queue '{queue}' in vhost '/' not empty" in output
    assert get(pika_channel, queue) is not None


def test_a_wrong_password_is_told(tool: Tool, broker_uri: str) -> None:
    wrong = broker_uri.replace("guest:guest@", "guest:wrong@")
    code, output = run([require_tool("amqp-get"), "-u", wrong, "-q", "any"])

    assert code == 1
    assert "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN" in output

"""``haremq perf`` against a broker: its counts are true, and it deletes its queues."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from tests.clients.support.names import Names
from tests.clients.support.programs import Program, run

pytestmark = [pytest.mark.clients, pytest.mark.timeout(60)]

MESSAGE_COUNT = 2_000
MESSAGES = ("--messages", str(MESSAGE_COUNT), "--time", "20", "--quiet")


def command(uri: str, *arguments: str) -> list[str | Path]:
    return [sys.executable, "-m", "amqp_server", "perf", "--uri", uri, *arguments]


def counts_of(uri: str, folder: Path, *arguments: str) -> dict[str, int]:
    """Run to the end and return the counts; every run is asked for its JSON."""
    target = folder / "run.json"
    code, output = run(command(uri, *arguments, "--json", str(target)), timeout_s=30)
    assert code == 0, output
    counts: dict[str, int] = json.loads(target.read_text(encoding="utf-8"))["counts"]
    return counts


@pytest.mark.parametrize(
    ("arguments", "copies"),
    [
        ((), 1),
        (("--confirm", "100", "--persistent"), 1),
        (("--ack", "each", "--prefetch", "50", "--latency"), 1),
        (("--ack", "multi:30", "--prefetch", "50", "-x", "3", "-y", "4", "--queues", "2"), 1),
        (("--exchange", "direct", "--routing-key", "k%d", "--keys", "30", "--queues", "3"), 1),
        (("--exchange", "topic", "--routing-key", "a.%03d", "--binding-key", "a.*"), 1),
        (("--exchange", "fanout", "--queues", "4", "--processes", "2", "-x", "2"), 4),
        (("--exchange", "headers", "--headers", "a=1,b=true,c=x", "--queues", "2"), 2),
        (("--size", "300000", "--messages", "40"), 1),
    ],
    ids=str,
)
def test_every_message_is_published_and_delivered(
    broker_uri: str, tmp_path: Path, arguments: Sequence[str], copies: int
) -> None:
    counts = counts_of(broker_uri, tmp_path, *MESSAGES, *arguments)
    expected_count = 40 if "--size" in arguments else MESSAGE_COUNT
    assert counts["published"] == expected_count
    assert counts["consumed"] == expected_count * copies
    if "--confirm" in arguments:
        assert (counts["confirmed"], counts["nacked"]) == (expected_count, 0)


def test_what_no_queue_takes_is_returned_and_counted(broker_uri: str, tmp_path: Path) -> None:
    counts = counts_of(
        broker_uri,
        tmp_path,
        *(*MESSAGES, "--mandatory", "--confirm", "100", "-y", "0"),
        *("--routing-key", "nowhere.%d"),
    )
    assert (counts["returned"], counts["confirmed"]) == (MESSAGE_COUNT, MESSAGE_COUNT)


def test_what_a_full_queue_refuses_is_nacked_and_counted(broker_uri: str, tmp_path: Path) -> None:
    counts = counts_of(
        broker_uri,
        tmp_path,
        *(*MESSAGES, "--confirm", "100", "-y", "0"),
        *("--queue-args", "x-max-length=10,x-overflow=reject-publish"),
    )
    assert counts["confirmed"] >= 10
    assert counts["nacked"] == MESSAGE_COUNT - counts["confirmed"] > 0


def test_a_queue_is_filled_by_one_run_and_emptied_by_another(
    broker_uri: str, tmp_path: Path, names: Names, pika_channel: BlockingChannel
) -> None:
    queue = names.queue("jobs")
    filling = counts_of(broker_uri, tmp_path, *MESSAGES, "--queue", queue, "-y", "0", "--keep")
    assert filling == {"published": MESSAGE_COUNT}
    wait_for_messages(pika_channel, queue, MESSAGE_COUNT)

    emptying = counts_of(
        broker_uri, tmp_path, *MESSAGES, "--queue", queue, "-x", "0", "--ack", "multi:300"
    )

    assert emptying == {"consumed": MESSAGE_COUNT}
    wait_for_messages(pika_channel, queue, 0)


def wait_for_messages(channel: BlockingChannel, queue: str, count: int) -> None:
    """Return once a queue, which is there, holds so many messages."""
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        if channel.queue_declare(queue, passive=True).method.message_count == count:
            return
        time.sleep(0.02)
    pytest.fail(f"{queue} never held {count} messages")


def test_a_rate_is_kept_and_latency_told_each_second(broker_uri: str, tmp_path: Path) -> None:
    target = tmp_path / "run.json"
    arguments = ("--rate", "200", "--latency", "--time", "1.5", "--warm-up", "0")
    code, output = run(command(broker_uri, *arguments, "--json", str(target)))
    assert code == 0, output
    document = json.loads(target.read_text(encoding="utf-8"))
    assert document["per_second"]["published"] == pytest.approx(200, rel=0.2)
    assert 0 < document["latency_us"]["p50_us"] <= document["latency_us"]["max_us"]
    assert "1 s  published" in output
    assert "latency    p50" in output


def test_an_interrupt_ends_with_the_summary_and_deletes_the_queue(
    broker_uri: str, names: Names, pika_channel: BlockingChannel
) -> None:
    queue = names.queue("interrupted")
    with Program(command(broker_uri, "--queue", queue, "--rate", "100")) as program:
        program.wait_for_line("1 s  published")
        program.interrupt()
        assert program.wait(20) == 0, program.output
        assert "interrupted" in program.output
    with pytest.raises(ChannelClosedByBroker, match="404"):
        pika_channel.queue_declare(queue, passive=True)


def test_a_user_that_is_refused_is_told(broker_uri: str) -> None:
    parameters = pika.URLParameters(broker_uri)
    uri = f"amqp://guest:wrong@{parameters.host}:{parameters.port}/"
    code, output = run(command(uri, *MESSAGES))
    assert code == 1
    assert output.startswith("haremq perf: closed by the broker: 403 ACCESS_REFUSED")

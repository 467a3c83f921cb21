"""All queues are moved; whatever is killed in the middle, nothing is lost."""

import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pika
import pytest
from pika.exchange_type import ExchangeType

from amqp_server.migrating import migration, queue_move
from amqp_server.migrating.api import Api
from amqp_server.migrating.listing import Name
from amqp_server.migrating.migration import OneBrokerError, Wish, migrate
from tests.clients.support.deadlines import wait_until
from tests.migrating.conftest import Ends, channel_of, close_all, started
from tests.migrating.test_queue_move import taken

COUNT = 10_000
PATIENCE_S = 120
LASTING = pika.BasicProperties(delivery_mode=2)

pytestmark = pytest.mark.timeout(300)


def wish(source: Ends, target: Ends, **more: bool) -> Wish:
    return Wish(source.endpoint, target.endpoint, source.api, target.api, **more)


def filled(ends: Ends, queue: str, count: int, **arguments: object) -> None:
    channel = channel_of(ends)
    channel.queue_declare(queue, durable=True, arguments=arguments)
    for number in range(count):
        channel.basic_publish("", queue, b"%d" % number, LASTING)
    channel.queue_declare(queue, passive=True)
    channel.connection.close()


def command(source: Ends, target: Ends) -> "subprocess.Popen[str]":
    ends = ("--from", source.server.uri, "--to", target.server.uri)
    apis = ("--from-api", source.api_url, "--to-api", target.api_url)
    words = [sys.executable, "-m", "amqp_server", "migrate", *ends, *apis, "--with-definitions"]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def has_some(target: Ends, count: int) -> bool:
    queues = target.api.queues()
    return bool(queues) and queues[0]["messages"] >= count


def first_seen(bodies: Sequence[bytes]) -> list[int]:
    return [int(body) for body in dict.fromkeys(bodies)]


def test_all_queues_are_moved_with_their_definitions(source: Ends, target: Ends) -> None:
    filled(source, "a", 50)
    filled(source, "b", 20, **{"x-queue-type": "quorum"})
    filled(source, "s", 5, **{"x-queue-type": "stream"})
    said: list[str] = []
    looked = migrate(wish(source, target, only_looks=True), said.append)
    assert "a: left: the target has no queue of this name; --with-definitions copies them" in said
    assert not looked.moved
    said.clear()
    result = migrate(wish(source, target, copies_definitions=True), said.append)
    assert result.moved == {Name("/", "a"): 50, Name("/", "b"): 20}
    assert not result.failures
    assert not result.is_whole, "the stream is left"
    assert "s: left: a stream is not moved" in "\n".join(said)
    assert first_seen([body for _, _, body in taken(target, "a")]) == list(range(50))
    assert first_seen([body for _, _, body in taken(target, "b")]) == list(range(20))
    again = migrate(wish(source, target), said.append)
    assert set(again.moved.values()) == {0}


def test_exchanges_of_killed_runs_are_removed_unless_they_are_in_use(
    source: Ends, target: Ends
) -> None:
    channel = channel_of(target)
    channel.queue_declare("other", durable=True)
    names = [queue_move.exchange_of(each) for each in ("gone", "other", "a")]
    for name in names:
        channel.exchange_declare(name, ExchangeType("fanout"))
    channel.queue_bind("other", names[1])
    filled(source, "a", 1)
    channel.queue_declare("a", durable=True)
    migrate(wish(source, target), lambda _line: None)
    left = {str(each["name"]) for each in target.api.exchanges()}
    assert [name in left for name in names] == [False, True, False]
    channel.exchange_delete(names[1])


def test_what_others_hold_unacked_is_told(
    source: Ends, target: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amqp_server.migrating.migration.NUMBERS_S", 1.0)
    filled(source, "a", 3)
    channel = channel_of(source)
    channel.basic_get("a")
    result = migrate(wish(source, target, copies_definitions=True), lambda _: None)
    assert result.moved == {Name("/", "a"): 2}
    assert result.failures == {Name("/", "a"): "1 are unacked by consumers of the source"}
    assert not result.is_whole


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ({"messages_unacknowledged": 0, "messages_ready": 0}, ""),
        ({}, ""),
        ({"messages_unacknowledged": 0, "messages_ready": 2}, "2 are ready again"),
        (
            {"messages_unacknowledged": 1, "messages_ready": 2},
            "1 are unacked by consumers of the source, 2 are ready again",
        ),
    ],
)
def test_what_others_gave_back_meanwhile_is_left_too(
    monkeypatch: pytest.MonkeyPatch, numbers: dict[str, int], told: str
) -> None:
    monkeypatch.setattr(migration, "LOOK_S", 0.001)
    monkeypatch.setattr(migration, "NUMBERS_S", 0.003)
    api = Api("http://127.0.0.1:1")
    monkeypatch.setattr(api, "queue", lambda *_: numbers)
    assert migration._what_is_left(api, Name("/", "a")) == told


def test_a_broker_is_not_moved_into_itself(source: Ends) -> None:
    with pytest.raises(OneBrokerError):
        migrate(wish(source, source), lambda _: None)


def test_whoever_is_killed_in_the_middle_nothing_is_lost(tmp_path: Path) -> None:
    ends = {name: started(tmp_path / name) for name in ("source", "target")}
    try:
        filled(ends["source"], "a", COUNT)
        for number, killed in enumerate(("migrate", "source", "target"), 1):
            with command(ends["source"], ends["target"]) as running:
                enough = partial(has_some, ends["target"], number * 1_000)
                wait_until(enough, "the middle", PATIENCE_S)
                victim = ends[killed].server.program if killed in ends else running
                victim.kill()
                assert running.wait(PATIENCE_S) != 0, "it was in the middle"
            if killed in ends:
                before = ends[killed]
                ends[killed] = started(tmp_path / killed, before.server.port, before.api_port)
        with command(ends["source"], ends["target"]) as running:
            text, _ = running.communicate(timeout=PATIENCE_S)
        assert running.returncode == 0, text
        bodies = [body for _, _, body in taken(ends["target"], "a")]
        assert sorted(set(map(int, bodies))) == list(range(COUNT))
        assert taken(ends["source"], "a") == []
    finally:
        close_all()
        for each in ends.values():
            each.server.program.kill()

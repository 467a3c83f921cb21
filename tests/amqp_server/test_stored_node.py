"""A node's disk, opened: what was there when it was closed, or killed, is there again."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.steps import finish
from amqp_server.settings.schema import Settings
from amqp_server.stored_node import StoredNode
from persistence.errors import DataDirectoryError
from persistence.settings import Durability, PersistenceSettings
from queues.commits import SAFE_NOW, is_safe
from tests.support.frames import table
from tests.support.node_place import NOW_MS, Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "data")
    yield made
    made.node.close()


def test_the_first_start_makes_the_defaults_and_a_later_one_does_not(place: Place) -> None:
    was_new = place.node.is_new
    assert place.broker.users.get("guest") is not None
    finish(place.broker.deleting_user("guest", NOW_MS))
    place.commit()
    broker = place.restart()
    assert (was_new, place.node.is_new) == (True, False)
    assert broker.users.get("guest") is None
    assert [vhost.name for vhost in broker.vhosts()] == ["/"]


def test_a_definitions_file_that_changes_nothing_writes_nothing(place: Place) -> None:
    file = place.path.with_suffix(".json")
    user = {"name": "app", "password": "secret", "tags": "monitoring"}
    rights = {"user": "app", "vhost": "/", "configure": "", "write": ".*", "read": ".*"}
    queue = {"name": "jobs", "vhost": "/", "durable": True, "arguments": {"x-max-length": 5}}
    raw = {"users": [user], "vhosts": [{"name": "/"}], "permissions": [rights], "queues": [queue]}
    file.write_text(json.dumps(raw), encoding="utf-8")
    place.settings = Settings(
        broker=BrokerSettings(data_dir=place.path, load_definitions=file),
    )
    place.restart().users.authenticate("app", "secret")
    assert not is_safe(place.node.journal.safe_at)
    place.commit()
    place.restart().users.authenticate("app", "secret")
    assert place.node.journal.safe_at is SAFE_NOW


def test_persistent_messages_of_durable_queues_come_back_in_order(place: Place) -> None:
    place.declare("q")
    assert place.publish("q", b"1", b"2") > place.node.commit.committed_lsn
    place.commit()
    assert place.publish("q", b"never", persistent=False) == 0
    place.publish("q", b"3")
    place.commit()
    place.restart()
    assert place.bodies("q") == [(b"1", True), (b"2", True), (b"3", True)]


def test_what_was_settled_stays_away_and_positions_go_on(place: Place) -> None:
    place.declare("q")
    place.publish("q", b"1", b"2")
    assert place.bodies("q") == [(b"1", False), (b"2", False)]
    place.publish("q", b"3")
    place.commit()
    place.restart()
    place.publish("q", b"4")
    place.commit()
    place.restart()
    assert [body for body, _ in place.bodies("q")] == [b"3", b"4"]


def test_transient_queues_and_their_messages_do_not_come_back(place: Place) -> None:
    place.declare("gone", durable=False)
    assert place.publish("gone", b"1") == 0
    place.commit()
    assert place.restart().vhost("/").queues.find("gone") is None


def test_priorities_are_those_of_before(place: Place) -> None:
    place.declare("q", table({"x-max-priority": 5}))
    for priority in (0, 9, 3):
        place.publish("q", b"%d" % priority, priority=priority)
    place.commit()
    place.restart()
    assert [body for body, _ in place.bodies("q")] == [b"9", b"3", b"0"]


@pytest.mark.parametrize("durability", ["fsync", "os"])
def test_a_queue_has_the_class_of_its_argument_its_policy_or_the_node(
    tmp_path: Path, durability: Durability
) -> None:
    place = Place(tmp_path / "data", durability)
    other: Durability = "os" if durability == "fsync" else "fsync"
    place.declare("kept", table({"x-durability": "fsync"}))
    place.declare("cached", table({"x-durability": "os", "x-queue-type": "quorum"}))
    place.declare("own", table({"x-durability": durability}))
    place.declare("other")
    place.declare("plain")
    place.policy({"durability": other})
    names = ["kept", "cached", "own", "other", "plain"]
    of_node, of_other = durability == "fsync", other == "fsync"
    for _ in ("declared", "recovered"):
        classes = [place.waits_for_the_disk(name) for name in names]
        assert classes == [True, False, of_node, of_other, of_node]
        place.restart()
    place.node.close()


def test_a_policy_changes_the_class_of_what_is_published_from_then_on(place: Place) -> None:
    place.declare("jobs")
    place.commit()
    lsn = place.publish("jobs", b"0")
    place.policy({"durability": "os"})
    place.publish("jobs", b"1")
    group = place.node.commit.seal()
    assert group is not None
    assert group.fsync, "what was published before keeps its promise"
    assert group.last_lsn > lsn
    place.node.commit.writer.write(group)
    place.node.commit.finish(group, None)
    assert not place.waits_for_the_disk("jobs")
    place.policy({"durability": "fsync"}, operator=True)
    assert place.waits_for_the_disk("jobs")
    place.broker.vhost("/").clear_policy("p", operator=True)
    finish(place.broker.vhost("/").applying_policies(NOW_MS))
    assert not place.waits_for_the_disk("jobs")
    place.broker.vhost("/").clear_policy("p")
    finish(place.broker.vhost("/").applying_policies(NOW_MS))
    assert place.waits_for_the_disk("jobs")


def test_a_deleted_queue_that_is_declared_again_is_empty(place: Place) -> None:
    place.declare("q")
    place.publish("q", b"1")
    queues = place.broker.vhost("/").queues
    finish(queues.deleting("q", None, NOW_MS, if_unused=False, if_empty=False))
    place.declare("q")
    place.commit()
    place.restart()
    assert place.bodies("q") == []


def test_the_folder_of_a_node_that_runs_is_refused(place: Place) -> None:
    with pytest.raises(DataDirectoryError, match="a node that runs already uses it"):
        StoredNode(place.path, PersistenceSettings())


def test_a_failed_start_lets_go_of_the_folder(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.node.close()
    refuse: Callable[..., None] = _refuse
    monkeypatch.setattr("amqp_server.stored_node.open_store", refuse)
    with pytest.raises(OSError, match="refused"):
        StoredNode(place.path, PersistenceSettings())
    monkeypatch.undo()
    place.node = StoredNode(place.path, PersistenceSettings())


def _refuse(*_arguments: object, **_options: object) -> None:
    raise OSError("refused")


def test_a_start_says_how_long_each_part_took(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.declare("q")
    place.publish("q", b"1", b"2")
    place.commit()
    with caplog.at_level(logging.INFO):
        place.restart()
    lines = [re.sub(r"took_ms=\d+", "took_ms=N", each.getMessage()) for each in caplog.records]
    found = "clean=False queues=1 messages=2 replayed=1 lost=0 torn_bytes=0"
    assert lines == [
        f"recovered path={place.path} {found} took_ms=N durability=fsync",
        "restored definitions=4 left_out=0 took_ms=N",
        "taken over queues=1 took_ms=N",
    ]


def test_a_first_start_is_new_and_not_unclean(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        StoredNode(tmp_path / "first", PersistenceSettings()).close()
    assert caplog.messages == [f"new data directory path={tmp_path}/first durability=fsync"]


def test_messages_of_a_damaged_chunk_are_told_by_queue(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.declare("jobs")
    place.publish("jobs", *[b"x" * 20_000] * 8)
    place.commit()
    place.checkpoint()
    (segment,) = place.path.glob("queues/*/*.seg")
    octets = bytearray(segment.read_bytes())
    octets[1_000] ^= 1
    segment.write_bytes(octets)
    queue = place.broker.vhost("/").queues.find("jobs")
    assert queue is not None
    queue.engine.get(NOW_MS, no_ack=True)  # what is settled in part is read at a start
    place.commit()
    with caplog.at_level(logging.ERROR):
        place.restart()
    told = [each.getMessage() for each in caplog.records]
    assert len(told) == 2
    assert re.match(
        r"messages lost queue_id=1 file=queues/\S+ position=\d+ first=0 last=7", told[0]
    )
    assert " count=7 " in told[0]
    assert told[1] == "messages lost at start vhost='/' queue='jobs' queue_id=1 count=7"

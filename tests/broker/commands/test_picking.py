"""Single messages go, which is answered when the disk has it."""

from collections.abc import Iterator

import pytest
from pamqp import commands

from amqp_server.broker.admin import Admin, Answer, Fate, NotFoundError, Picked, TakenOut, Target
from amqp_server.broker.messages.fingerprint import fingerprint
from queues.looking import LookPlace
from tests.support.commits import FakeDisk
from tests.support.peer import Node


def picked(node: Node, name: str) -> Iterator[Picked]:
    looked = node.vhost.queues.get(name, None).engine.look(None)
    assert looked.place is not None
    for each in looked.slices:
        for one in each.messages():
            yield Picked(LookPlace(looked.place.lane, one.position), fingerprint(one.record))


def test_the_answer_waits_for_the_disk() -> None:
    disk = FakeDisk()
    node = Node(disk=disk)
    client = node.open()
    for name in ("jobs", "other"):
        client.send(commands.Queue.Declare, queue=name, durable=True)
        disk.commit_all()
        client.expect(commands.Queue.DeclareOk)
    client.publish(b"1", b"2", b"3", delivery_mode=2)
    disk.commit_all()
    first, second, third = picked(node, "jobs")
    given = {"vhost": "/", "name": "jobs", "username": None}
    answers: list[Answer] = []
    admin = Admin(node.broker)
    admin.begin("take_out", {**given, "picked": [second], "target": None}, answers.append)
    node.end_turns()
    assert not answers
    disk.commit_all()
    deleted = answers.pop().value
    assert isinstance(deleted, TakenOut)
    assert deleted.fates == (Fate.DELETED,)
    target = Target("other")
    admin.begin("take_out", {**given, "picked": [third, second], "target": target}, answers.append)
    node.end_turns()
    assert not answers
    disk.commit_all()
    moved = answers.pop().value
    assert isinstance(moved, TakenOut)
    assert moved.fates == (Fate.MOVED, Fate.GONE)
    assert [one.fingerprint for one in picked(node, "jobs")] == [first.fingerprint]


def test_a_queue_that_goes_meanwhile_ends_it() -> None:
    node = Node()
    client = node.open()
    client.declare()
    client.publish(b"1", b"2")
    steps = Admin(node.broker).take_out(
        node.now_ms,
        "/",
        "jobs",
        username=None,
        picked=list(picked(node, "jobs")),
        target=None,
    )
    next(steps)
    client.send(commands.Queue.Delete, queue="jobs")
    client.receive()
    with pytest.raises(NotFoundError, match="no queue 'jobs'"):
        list(steps)

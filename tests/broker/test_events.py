"""Events: what comes and goes is counted once and told to whoever asked, in order."""

from pamqp import commands

from amqp_server.broker.access.rights import User
from amqp_server.broker.alarms import Resource
from amqp_server.broker.events import Event, EventKind, Events
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.steps import finish
from tests.support.peer import Node


def told(node: Node) -> list[Event]:
    events: list[Event] = []
    node.broker.events.subscribe(events.append)
    return events


def kinds(events: list[Event]) -> list[str]:
    found = [event.kind.value for event in events]
    events.clear()
    return found


def test_each_subscriber_is_told_once_and_no_more_once_it_leaves() -> None:
    events, first, second = Events(), list[Event](), list[Event]()
    events.note(EventKind.QUEUE_CREATED, "/", "early")
    for _ in range(2):
        events.subscribe(first.append)
    events.subscribe(second.append)
    events.note(EventKind.QUEUE_CREATED, "/", "jobs")
    events.unsubscribe(first.append)
    events.note(EventKind.QUEUE_DELETED, "/", "jobs")
    assert [event.name for event in first] == ["jobs"]
    assert [event.kind for event in second] == [EventKind.QUEUE_CREATED, EventKind.QUEUE_DELETED]
    assert events.counts[EventKind.QUEUE_CREATED] == 2


def test_a_subscriber_of_some_kinds_is_told_of_no_others() -> None:
    events, queues, more = Events(), list[Event](), list[Event]()
    events.subscribe(queues.append, (EventKind.QUEUE_CREATED,))
    events.subscribe(more.append, (EventKind.QUEUE_CREATED,))
    events.subscribe(more.append, (EventKind.QUEUE_CREATED, EventKind.QUEUE_DELETED))
    for kind in (EventKind.QUEUE_CREATED, EventKind.QUEUE_DELETED, EventKind.VHOST_CREATED):
        events.note(kind, "/", "jobs")
    assert [event.kind for event in queues] == [EventKind.QUEUE_CREATED]
    assert [event.kind for event in more] == [EventKind.QUEUE_CREATED, EventKind.QUEUE_DELETED]
    events.unsubscribe(more.append)
    events.note(EventKind.QUEUE_CREATED, "/", "later")
    assert (len(queues), len(more)) == (2, 2)


def test_a_client_comes_and_goes_with_what_it_has() -> None:
    node = Node()
    events = told(node)
    client = node.open()
    assert kinds(events) == [
        "user.authentication.success",
        "connection.created",
        "channel.created",
    ]
    client.declare(exclusive=True)
    client.declare(exclusive=True)
    assert kinds(events) == ["queue.declared", "queue.created", "queue.declared"]
    client.consume()
    assert kinds(events) == ["consumer.created"]
    client.send(commands.Connection.Close, 0, reply_code=200, reply_text="")
    gone = kinds(events)
    assert sorted(gone) == [
        "channel.closed",
        "connection.closed",
        "consumer.deleted",
        "queue.deleted",
    ]


def test_a_deleted_queue_takes_its_bindings_and_consumers_along() -> None:
    node = Node()
    client = node.open()
    client.declare()
    events = told(node)
    client.send(commands.Exchange.Declare, exchange="x", exchange_type="direct", auto_delete=True)
    for _ in range(2):
        client.send(commands.Queue.Bind, queue="jobs", exchange="x", routing_key="k")
    client.consume()
    assert kinds(events) == ["exchange.created", "binding.created", "consumer.created"]
    client.send(commands.Queue.Delete, queue="jobs")
    gone = kinds(events)
    assert sorted(gone) == [
        "binding.deleted",
        "consumer.deleted",
        "exchange.deleted",
        "queue.deleted",
    ]
    client.send(commands.Channel.Close)
    assert kinds(events) == ["channel.closed"], "and the consumer does not go twice"


def test_definitions_and_alarms_are_told_with_what_they_are() -> None:
    node = Node()
    events = told(node)
    node.add_user("ann")
    node.vhost.set_policy(Policy("p", ".*", {"max-length": 1}, 0, "queues"))
    node.vhost.clear_policy("p")
    node.broker.add_vhost("other")
    finish(node.broker.deleting_vhost("other", node.now_ms))
    users = [event.definition for event in events if isinstance(event.definition, User)]
    assert [user.name for user in users] == ["ann"]
    assert kinds(events) == [
        "definition.saved",
        "definition.saved",
        "definition.saved",
        "definition.forgotten",
        "vhost.created",
        "vhost.deleted",
    ]
    node.broker.alarms.set(Resource.DISK, is_low=True, now_ms=node.now_ms)
    node.broker.alarms.set(Resource.DISK, is_low=False, now_ms=node.now_ms)
    assert [(event.kind.value, event.name) for event in events] == [
        ("alarm.set", "disk"),
        ("alarm.cleared", "disk"),
    ]

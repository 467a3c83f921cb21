"""What is stored comes back at a start; what cannot is told and kept."""

import json
from pathlib import Path

import pytest

from amqp_server.broker.definitions.apply import apply_definitions
from amqp_server.broker.definitions.definition import (
    ExchangeDefinition,
    QueueDefinition,
    VhostDefinition,
)
from amqp_server.broker.definitions.parse import parse_definitions
from amqp_server.broker.definitions.table import TABLE
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.queue import QueueIdentity
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.steps import finish
from amqp_server.wire.tables import Field, longstr
from queues.kinds import CLASSIC, QUORUM
from queues.memory_log import MemoryLog
from tests.support.stored_broker import NOW_MS, FakeChangeLog, Step, StoredBroker, surviving

FOLDER = Path(__file__).parent


def restarted(changes: FakeChangeLog, settings: BrokerSettings | None = None) -> StoredBroker:
    return StoredBroker(FakeChangeLog(), changes.items().items(), settings)


def begun(changes: FakeChangeLog) -> StoredBroker:
    node = StoredBroker(changes)
    node.add_vhost()
    return node


@pytest.mark.parametrize("name", ["rabbitmq_3_6", "rabbitmq_3_13", "rabbitmq_4_1"])
def test_definitions_of_a_file_come_back_and_loading_it_again_writes_nothing(name: str) -> None:
    raw = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    changes = FakeChangeLog()
    node = begun(changes)
    apply_definitions(node.broker, parse_definitions(raw, bytes), NOW_MS)
    again = StoredBroker(changes, changes.items().items())
    assert surviving(again.broker) == surviving(node.broker)
    assert again.restored.skipped == ()
    written = changes.last_lsn
    apply_definitions(again.broker, parse_definitions(raw, bytes), NOW_MS)
    assert changes.last_lsn == written


def test_a_restart_writes_nothing() -> None:
    changes = FakeChangeLog()
    node = begun(changes)
    node.queue("q")
    node.exchange("e")
    node.bind("e", "queue", "q")
    written = changes.last_lsn
    again = StoredBroker(changes, changes.items().items())
    assert changes.last_lsn == written
    assert again.restored.applied_count == 4
    assert [queue.name for queue in again.stored.queues.values()] == ["q"]
    assert list(again.stored.queues) == [1]


def test_a_restored_queue_has_its_id_and_its_log_and_new_ones_have_neither_of_it() -> None:
    changes = FakeChangeLog()
    node = begun(changes)
    node.queue("old", arguments={"x-max-length": 5})
    asked: list[QueueIdentity] = []

    def make_log(queue: QueueIdentity) -> MemoryLog:
        asked.append(queue)
        return MemoryLog()

    again = StoredBroker(changes, changes.items().items(), make_log=make_log)
    again.queue("new")
    again.queue("transient", durable=False)
    again.queue("mine", exclusive=True)
    assert [(each.vhost_name, each.name, each.queue_id) for each in asked] == [
        ("/", "old", 1),
        ("/", "new", 1025),
        ("/", "transient", 0),
        ("/", "mine", 0),
    ]
    assert asked[0].kind is CLASSIC
    assert asked[0].options.max_length == 5


def test_a_stored_queue_is_what_its_arguments_say_before_it_is_applied() -> None:
    changes = FakeChangeLog()
    node = begun(changes)
    node.queue("prior", arguments={"x-max-priority": 5})
    node.queue("zero", arguments={"x-max-priority": 0})
    items = changes.items()
    later = {"x-queue-type": longstr("later"), "x-max-priority": Field("b", 7)}
    odd = {**later, "x-max-priority": longstr("odd"), "x-max-length": longstr("odd")}
    lasting = {"x-queue-type": longstr("quorum"), "x-max-length": longstr("odd")}
    for name, arguments, queue_id in (("t", later, 9), ("u", odd, 10), ("v", lasting, 11)):
        queue = QueueDefinition(name, "/", True, False, arguments, queue_id)
        items[TABLE.key_of(queue)] = TABLE.value_of(queue)
    again = StoredBroker(FakeChangeLog(), items.items())
    kinds = again.stored.queue_kinds
    assert [kinds[queue_id][1].max_priority for queue_id in (1, 2, 9, 10)] == [5, None, 7, None]
    assert [kinds[queue_id][0] for queue_id in (1, 9, 11)] == [CLASSIC, CLASSIC, QUORUM]
    assert [skipped.key[-1] for skipped in again.restored.skipped] == ["t", "u", "v"]


def test_what_cannot_be_applied_is_told_and_the_rest_comes_back() -> None:
    changes = FakeChangeLog()
    node = begun(changes)
    node.exchange("e")
    node.queue("q")
    node.bind("e", "queue", "q")
    items = changes.items()
    unknown_type = ExchangeDefinition("x", "/", "x-odd", True, False, False, {})
    homeless = ExchangeDefinition("x", "gone", "topic", True, False, False, {})
    for definition in (unknown_type, homeless):
        items[TABLE.key_of(definition)] = TABLE.value_of(definition)
    items["exchange", "/", "e"] = b'{"v":9}'
    items["shovel", "/", "s"] = b'{"v":1}'
    again = StoredBroker(FakeChangeLog(), items.items())
    assert sorted(map(str, again.restored.skipped)) == [
        "binding ['/', 'e', 'queue', 'q', '', '']: no exchange 'e' in vhost '/'",
        "exchange ['/', 'e']: it is of version 9, and not 1",
        "exchange ['/', 'x']: unknown exchange type 'x-odd'",
        "exchange ['gone', 'x']: vhost gone not found",
        "shovel ['/', 's']: this version knows nothing of this kind",
    ]
    # An exchange that this version cannot read may have messages that wait.
    assert not again.stored.knows_every_queue
    assert again.vhost().queues.find("q") is not None


@pytest.mark.parametrize(
    ("key", "knows_every_queue"),
    [
        (("queue", "/", "q"), False),
        ((), False),
        (("vhost", "/"), True),
        (("queue ids",), True),
    ],
)
def test_messages_may_be_of_a_queue_whose_definition_cannot_be_read(
    key: tuple[str, ...], knows_every_queue: bool
) -> None:
    changes = FakeChangeLog()
    begun(changes).queue("q")
    again = StoredBroker(FakeChangeLog(), (changes.items() | {key: b"damaged"}).items())
    assert key in {each.key for each in again.restored.skipped}
    assert again.stored.knows_every_queue is knows_every_queue


def test_a_queue_whose_vhost_is_gone_is_known_and_keeps_its_messages() -> None:
    changes = FakeChangeLog()
    begun(changes).queue("q")
    items = changes.items()
    del items["vhost", "/"]
    again = StoredBroker(FakeChangeLog(), items.items())
    assert list(again.stored.queues) == [1]
    assert len(again.restored.skipped) == 1


def test_ids_go_on_behind_those_of_queues_even_if_nothing_else_says_so() -> None:
    queue = QueueDefinition("q", "/", durable=True, auto_delete=False, arguments={}, queue_id=7_000)
    vhost = VhostDefinition("/")
    items = {TABLE.key_of(each): TABLE.value_of(each) for each in (queue, vhost)}
    again = StoredBroker(FakeChangeLog(), items.items())
    assert again.journal.new_queue_id() == 7_001


def test_a_pause_lasts_over_restarts_until_the_queue_is_resumed_or_deleted() -> None:
    changes = FakeChangeLog()
    node = begun(changes)
    queues = node.vhost().queues
    for name in ("resumed", "paused", "deleted"):
        node.queue(name)
        queues.pause(queues.get(name, None), is_on=True)
    queues.pause(queues.get("resumed", None), is_on=False)
    queues.remove(queues.get("deleted", None))
    node.queue("deleted")
    queues = restarted(changes).vhost().queues
    assert list(queues.paused) == ["paused"]
    assert [queue.name for queue in queues if queue.is_paused] == ["paused"]
    assert not queues.get("paused", None).engine.state().may_deliver


def test_a_limit_that_was_lowered_keeps_no_vhost_out_that_was_there() -> None:
    changes = FakeChangeLog()
    node = StoredBroker(changes)
    for name in ("a", "b", "c"):
        node.add_vhost(name)
    again = restarted(changes, BrokerSettings(vhosts_max=1))
    assert [vhost.name for vhost in again.broker.vhosts()] == ["a", "b", "c"]


def test_policies_hold_for_what_was_there_before_anything_was_restored() -> None:
    changes = FakeChangeLog()
    node = begun(changes)
    policy = Policy("ae", "^amq.direct$", {"alternate-exchange": "other"}, 0, "exchanges")
    node.vhost().set_policy(policy)
    again = restarted(changes)
    assert again.vhost().router.exchanges["amq.direct"].alternate_exchange == "other"


def test_the_default_type_is_that_of_the_vhost_and_else_what_the_node_says_now() -> None:
    changes = FakeChangeLog()
    node = begun(changes)
    node.describe("own", "", QUORUM)
    again = restarted(changes, BrokerSettings(default_queue_type="classic"))
    assert again.vhost("own").default_queue_kind is QUORUM
    assert again.vhost("/").default_queue_kind is None
    again = restarted(changes, BrokerSettings(default_queue_type="quorum"))
    assert again.vhost("/").default_queue_kind is QUORUM


def full(changes: FakeChangeLog) -> StoredBroker:
    """Return a node that has some of everything in ``/``, and nothing but that."""
    node = begun(changes)
    node.user("u")
    users = node.broker.users
    users.set_permissions("u", "/", "", "", "")
    users.set_topic_permissions("u", "/", "amq.topic", "", "")
    node.parameter("shovel", 1)
    node.global_parameter("g", 1)
    node.vhost().set_limits({"max-queues": 5})
    node.policy("p", operator=False, length=1)
    node.policy("p", operator=True, length=1)
    node.exchange("e")
    node.exchange("f", auto_delete=True)
    node.queue("q")
    node.bind("amq.topic", "exchange", "amq.fanout", "between two that are predeclared")
    node.bind("amq.topic", "exchange", "e")
    node.bind("e", "queue", "q", "k", {"x": 1})
    node.bind("f", "queue", "q")
    return node


GONE: dict[str, tuple[Step, set[str]]] = {
    "a user, with its rights": (
        lambda node: finish(node.broker.deleting_user("u", NOW_MS)),
        {"user", "permissions", "topic permissions"},
    ),
    "permissions": (
        lambda node: node.broker.users.clear_permissions("u", "/"),
        {"permissions"},
    ),
    "topic permissions": (
        lambda node: node.broker.users.clear_topic_permissions("u", "/"),
        {"topic permissions"},
    ),
    "a policy": (lambda node: node.clear_policy("p"), {"policy"}),
    "an operator policy": (
        lambda node: node.clear_policy("p", operator=True),
        {"operator policy"},
    ),
    "all limits": (lambda node: node.vhost().set_limits({}), {"vhost limits"}),
    "the last limit": (lambda node: node.vhost().clear_limit("max-queues"), {"vhost limits"}),
    "a parameter": (lambda node: node.broker.clear_parameter("/", "shovel", "name"), {"parameter"}),
    "a global parameter": (
        lambda node: node.broker.clear_global_parameter("g"),
        {"global parameter"},
    ),
    "a vhost, with all in it": (
        lambda node: finish(node.broker.deleting_vhost("/", NOW_MS)),
        {
            *("vhost", "permissions", "topic permissions", "parameter", "vhost limits"),
            *("policy", "operator policy", "exchange", "queue", "binding"),
        },
    ),
}


@pytest.mark.parametrize("name", GONE)
def test_what_is_gone_stays_gone_with_all_that_went_along(name: str) -> None:
    step, kinds_gone = GONE[name]
    changes = FakeChangeLog()
    node = full(changes)
    kinds = {key[0] for key in changes.items()}
    step(node)
    assert kinds - {key[0] for key in changes.items()} == kinds_gone
    assert surviving(restarted(changes).broker) == surviving(node.broker)


TAKEN_ALONG: dict[str, tuple[Step, set[tuple[str, ...]]]] = {
    "a queue": (
        lambda node: node.delete_queue("q"),
        {("queue", "q"), ("exchange", "f"), ("binding", "e", "q"), ("binding", "f", "q")},
    ),
    "an exchange": (
        lambda node: node.delete_exchange("e"),
        {("exchange", "e"), ("binding", "e", "q"), ("binding", "amq.topic", "e")},
    ),
    "the last binding from an exchange that lives as long": (
        lambda node: node.unbind("f", "queue", "q"),
        {("exchange", "f"), ("binding", "f", "q")},
    ),
}


@pytest.mark.parametrize("name", TAKEN_ALONG)
def test_what_goes_takes_its_bindings_along_and_exchanges_that_lose_their_last(name: str) -> None:
    def short(key: tuple[str, ...]) -> tuple[str, ...]:
        return ("binding", key[2], key[4]) if key[0] == "binding" else (key[0], key[-1])

    step, gone = TAKEN_ALONG[name]
    changes = FakeChangeLog()
    node = full(changes)
    before = {short(key) for key in changes.items()}
    step(node)
    assert before - {short(key) for key in changes.items()} == gone
    assert surviving(restarted(changes).broker) == surviving(node.broker)

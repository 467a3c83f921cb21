"""What the store decides in the tables of a node: in order, in pieces, and only what holds."""

from dataclasses import replace

import pytest

from amqp_server.broker.access.rights import VhostPermissions, new_user
from amqp_server.broker.access.users import Users
from amqp_server.broker.backing import IN_MEMORY
from amqp_server.broker.broker import Broker
from amqp_server.broker.clustered.applying import Applier
from amqp_server.broker.clustered.decisions import Decisions
from amqp_server.broker.clustered.declaring import Declaring
from amqp_server.broker.clustered.stored import StoredDefinitions
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    Definition,
    ExchangeDefinition,
    GlobalParameterDefinition,
    OperatorPolicyDefinition,
    ParameterDefinition,
    PolicyDefinition,
    QueueDefinition,
    VhostDefinition,
    VhostLimitsDefinition,
)
from amqp_server.broker.definitions.table import TABLE
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.turn import Turn
from cluster.metadata.contents import Contents
from cluster.metadata.following.cache import Cache
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Change
from queues.kinds import KINDS
from tests.support.counted_clock import budget_of
from tests.support.inquiries import put
from tests.support.undecided import NobodyAsks

KEYS = KeySpace("c")
STORED = StoredDefinitions(KEYS)
SPAN = (KEYS.prefix, KEYS.prefix + b"\xff")

VHOST = VhostDefinition("/")
USER = new_user("u", "u", bytes, ())
QUEUE = QueueDefinition("q", "/", True, False, {})
EXCHANGE = ExchangeDefinition("x", "/", "fanout", True, False, False, {})
BINDING = BindingDefinition("x", "/", "q", "queue", "k", {})
LIMITS = VhostLimitsDefinition("/", {"max-queues": 9})
POLICY = PolicyDefinition("/", Policy("p", ".*", {"max-length": 3}))
EVERYTHING: list[Definition] = [
    VHOST,
    USER,
    VhostPermissions("u", "/", "c", "w", "r"),
    GlobalParameterDefinition("g", 1),
    ParameterDefinition("/", "component", "name", {"a": 1}),
    LIMITS,
    OperatorPolicyDefinition("/", Policy("o", ".*", {"max-length": 9})),
    POLICY,
    EXCHANGE,
    QUEUE,
    BINDING,
]


class Rig:
    """A store's contents, and a node that is told of them."""

    def __init__(self) -> None:
        self.contents = Contents()
        self.cache = Cache()
        self.turn = Turn(64)
        self.applier = Applier(self.turn, STORED)
        declaring = Declaring(STORED, self.cache.get, lambda: "id")
        decisions = Decisions(declaring, NobodyAsks(), KEYS)
        backing = replace(IN_MEMORY, decisions=decisions)
        self.broker = Broker(BrokerSettings(), Users(), self.turn, bytes, backing=backing)
        self.applier.begin(self.broker, self.broker.events, self.cache)

    def put(self, *definitions: Definition) -> None:
        for each in definitions:
            queue_id = "id" if isinstance(each, QueueDefinition) else ""
            put(self.contents, STORED.key_of(each), STORED.value_of(each, queue_id))

    def delete(self, *definitions: Definition) -> None:
        for each in definitions:
            self.contents.apply((Change(STORED.key_of(each), None),))

    def tell(self) -> None:
        """Have the copy told of all, and the turns done."""
        told, _ = self.contents.changes_since(*SPAN, self.cache.revision + 1, 1_000_000)
        for each in told:
            self.cache.take(each.revision, each.changes, is_whole=True)
        self.end_turns()

    def end_turns(self) -> int:
        """Run turns until nothing is left; return how many there were."""
        count = 1
        while self.turn.end(count):
            self.turn.budget.begin()
            count += 1
        return count

    def held(self) -> set[object]:
        return {TABLE.key_of(each) for each in TABLE.held(self.broker)}


def keys_of(*definitions: Definition) -> set[object]:
    return {TABLE.key_of(each) for each in definitions}


def test_every_kind_comes_and_goes() -> None:
    rig = Rig()
    rig.put(*EVERYTHING)
    rig.tell()
    assert rig.held() == keys_of(*EVERYTHING)
    rig.delete(*EVERYTHING[::-1])
    rig.tell()
    assert rig.held() == set()
    assert rig.applier.revision == rig.contents.revision


def test_a_node_that_begins_later_has_the_same_in_any_order_of_keys() -> None:
    rig = Rig()
    rig.put(*EVERYTHING)
    rig.tell()
    later = Rig()
    later.applier = Applier(later.turn, STORED)
    later.applier.begin(later.broker, later.broker.events, rig.cache)
    later.end_turns()
    assert later.held() == rig.held()
    assert later.applier.revision == rig.cache.revision


def test_what_is_replaced_holds_as_it_is_now() -> None:
    rig = Rig()
    rig.put(VHOST, QUEUE, LIMITS, POLICY)
    rig.tell()
    vhost = rig.broker.vhost("/")
    queue = vhost.queues.find("q")
    assert queue is not None
    assert queue.engine.options.max_length == 3
    rig.put(
        VhostLimitsDefinition("/", {"max-queues": 1}),
        PolicyDefinition("/", Policy("p", ".*", {"max-length": 4})),
        replace(VHOST, description="d", default_queue_type=KINDS["quorum"]),
        replace(QUEUE, is_paused=True),
    )
    rig.tell()
    assert vhost.queues.find("q") is queue
    assert (queue.engine.options.max_length, queue.is_paused) == (4, True)
    assert (vhost.limits.as_dict(), vhost.description) == ({"max-queues": 1}, "d")


def test_a_binding_of_an_earlier_queue_of_that_name_takes_part_in_nothing() -> None:
    rig = Rig()
    rig.put(VHOST, QUEUE, EXCHANGE, BINDING)
    rig.tell()
    rig.delete(QUEUE)
    rig.put(QUEUE)
    rig.tell()
    expected = keys_of(VHOST, QUEUE, EXCHANGE)
    assert rig.held() == expected
    rig.put(BINDING)  # changed, and still the one from before
    rig.tell()
    assert rig.held() == expected
    later = Rig()
    later.contents = rig.contents
    later.tell()
    assert later.held() == expected
    rig.delete(BINDING)
    rig.tell()
    rig.put(BINDING)
    rig.tell()
    assert rig.held() == expected | keys_of(BINDING)


def test_what_is_left_of_a_vhost_that_was_deleted_harms_its_successor_nothing() -> None:
    rig = Rig()
    rig.put(VHOST, QUEUE, EXCHANGE, BINDING)
    rig.tell()
    rig.delete(VHOST)
    rig.put(VHOST)
    rig.tell()
    other = QueueDefinition("other", "/", True, False, {})
    rig.put(other)
    rig.delete(BINDING, QUEUE)
    rig.tell()
    rig.delete(EXCHANGE)
    rig.put(QUEUE)
    rig.tell()
    assert rig.held() == keys_of(VHOST, other, QUEUE)


def test_one_that_was_created_anew_replaces_the_other() -> None:
    rig = Rig()
    rig.put(VHOST, QUEUE)
    rig.tell()
    first = rig.broker.vhost("/").queues.find("q")
    rig.delete(QUEUE)
    rig.put(replace(QUEUE, durable=False))
    rig.tell()
    second = rig.broker.vhost("/").queues.find("q")
    assert first is not None
    assert second is not None
    assert (first.is_deleted, second.properties.durable) == (True, False)
    assert second.stored_id == "id"


def test_what_cannot_be_read_is_skipped_and_the_rest_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    rig.put(VHOST)
    put(rig.contents, STORED.key_of(EXCHANGE), b'{"v": 99}')
    put(rig.contents, STORED.key_of(QUEUE), b"no JSON")
    put(rig.contents, KEYS.key("meta", "what"), b"no definition")
    rig.put(LIMITS)
    rig.tell()
    assert rig.held() == keys_of(VHOST, LIMITS)
    assert caplog.text.count("definition skipped") == 2


def test_many_are_applied_in_pieces_and_told_at_the_end() -> None:
    rig = Rig()
    rig.turn.budget = budget_of(10)
    rig.turn.budget.begin()
    rig.put(VHOST, *(QueueDefinition(f"q{number}", "/", True, False, {}) for number in range(99)))
    told, _ = rig.contents.changes_since(*SPAN, 1, 1_000)
    for each in told[:-1]:
        rig.cache.take(each.revision, each.changes, is_whole=True)
    awaited = [rig.applier.told(each.revision) for each in told]
    assert rig.end_turns() > 5
    assert [each.is_over for each in awaited] == [True] * 99 + [False]
    assert rig.applier.told(1).is_over
    rig.cache.take(told[-1].revision, told[-1].changes, is_whole=True)
    rig.end_turns()
    assert awaited[-1].is_over


def test_a_long_revision_is_told_when_it_is_whole() -> None:
    rig = Rig()
    rig.put(VHOST, QUEUE)
    told, _ = rig.contents.changes_since(*SPAN, 1, 10)
    awaited = rig.applier.told(7)
    rig.cache.take(7, told[0].changes, is_whole=False)
    rig.end_turns()
    is_over = [awaited.is_over]
    rig.cache.take(7, told[1].changes, is_whole=True)
    rig.end_turns()
    assert [*is_over, awaited.is_over] == [False, True]
    assert rig.held() == keys_of(VHOST, QUEUE)


def test_an_auto_delete_exchange_ends_by_the_store_alone() -> None:
    rig = Rig()
    exchange = replace(EXCHANGE, auto_delete=True)
    rig.put(VHOST, QUEUE, exchange, BINDING)
    rig.tell()
    rig.delete(QUEUE)
    rig.tell()
    assert rig.held() == keys_of(VHOST, exchange)

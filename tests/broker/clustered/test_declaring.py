"""Two nodes that declare at random against one store answer as one broker would.

Their inquiries are mixed question by question, and each node's copy lags as it likes. The broker of
a single node gets the same requests one after another, in the order in which the store decided
them, and must give the same answers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random

import pytest

from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.broker import Broker
from amqp_server.broker.clustered.declaring import Declaring
from amqp_server.broker.clustered.stored import StoredDefinitions
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    DestinationWord,
    VhostDefinition,
)
from amqp_server.broker.definitions.table import TABLE
from amqp_server.broker.errors import BrokerError, NotFoundError, PreconditionFailedError
from amqp_server.broker.steps import finish
from amqp_server.broker.vhost import Vhost
from amqp_server.wire.tables import Field, longstr
from cluster.definitions.inquiry import Inquiry
from cluster.definitions.references import References
from cluster.metadata.contents import Contents
from cluster.metadata.following.cache import Cache
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Change
from exchanges.bindings import Destination, DestinationKind
from tests.support.inquiries import Run, put, run
from tests.support.stored_broker import FakeChangeLog, StoredBroker

VHOST = "/"
KEYS = KeySpace("c")
STORED = StoredDefinitions(KEYS)
REFERENCES = References(KEYS)
SPAN = (KEYS.prefix, KEYS.prefix + b"\xff")

SEEDS, SEEDS_AT_ONCE, MOVES = 120, 20, 120
QUEUES = ["q1", "q1", "q1", "q2", "amq.mine"]
SOURCES = ["x1", "x1", "x1", "x1", "x2", "x2", "amq.topic", "amq.none"]
KINDS = ["fanout", "fanout", "fanout", "fanout", "topic", "x-consistent-hash", "unheard-of"]
ARGUMENTS: list[dict[str, Field]] = [
    {},
    {},
    {"x-queue-type": longstr("classic")},
    {"x-queue-type": longstr("quorum")},
    {"x-queue-type": longstr("unheard of")},
]
"""None, two that go with each other, and one that no queue may have."""


@dataclass(frozen=True)
class Request:
    """What a client asks for; ``ask`` of a cluster, and ``do`` on a single node."""

    text: str
    ask: Callable[[Declaring], Inquiry[int]]
    do: Callable[[Vhost], object]


def declare_queue(name: str, durable: bool, arguments: dict[str, Field]) -> Request:
    properties = QueueProperties(durable, False, False, arguments)
    return Request(
        f"declare queue {name} {durable} {arguments}",
        lambda node: node.queue(VHOST, name, properties),
        lambda vhost: vhost.queues.declare(name, properties, None, 0),
    )


def delete_queue(name: str) -> Request:
    return Request(
        f"delete queue {name}",
        lambda node: node.deleting_queue(VHOST, name),
        lambda vhost: finish(vhost.queues.deleting(name, None, 0, if_unused=False, if_empty=False)),
    )


def declare_exchange(name: str, kind: str, auto_delete: bool) -> Request:
    properties = ExchangeProperties(kind, True, auto_delete, False, {})
    return Request(
        f"declare exchange {name} {kind} {auto_delete}",
        lambda node: node.exchange(VHOST, name, properties),
        lambda vhost: vhost.exchanges.declare(name, properties),
    )


def delete_exchange(name: str, if_unused: bool) -> Request:
    return Request(
        f"delete exchange {name} {if_unused}",
        lambda node: node.deleting_exchange(VHOST, name, if_unused=if_unused),
        lambda vhost: finish(vhost.exchanges.deleting(name, if_unused=if_unused)),
    )


def bind(source: str, word: DestinationWord, to: str, key: str) -> Request:
    binding = BindingDefinition(source, VHOST, to, word, key, {})
    destination = Destination(DestinationKind(word), to)
    return Request(
        f"bind {source} {word} {to} {key}",
        lambda node: node.binding(binding),
        lambda vhost: vhost.bind(source, destination, key, {}),
    )


def unbind(source: str, word: DestinationWord, to: str, key: str) -> Request:
    binding = BindingDefinition(source, VHOST, to, word, key, {})
    destination = Destination(DestinationKind(word), to)
    return Request(
        f"unbind {source} {word} {to} {key}",
        lambda node: node.unbinding(binding),
        lambda vhost: finish(vhost.exchanges.unbinding(source, destination, key, {})),
    )


def one_of(chance: Random, *, auto_delete: bool) -> Request:
    """Return a request; where exchanges go with their last binding, nothing else ends bindings."""
    queue, source, other = chance.choice(QUEUES), chance.choice(SOURCES), chance.choice(SOURCES)
    kind, key = chance.choice(KINDS), chance.choice(["", "1"])
    to_exchange = not auto_delete and chance.random() < 0.3
    word: DestinationWord = "exchange" if to_exchange else "queue"
    ends = (source, word, other if to_exchange else queue, key)
    match chance.randrange(10):
        case 0 | 1:
            return declare_queue(queue, chance.random() < 0.9, chance.choice(ARGUMENTS))
        case 2 | 3:
            return declare_exchange(source, kind, auto_delete and chance.random() < 0.8)
        case 4 | 5 | 6:
            return bind(*ends)
        case 7 if not auto_delete:
            return delete_queue(queue)
        case 8 if not auto_delete:
            return delete_exchange(source, chance.random() < 0.7)
        case _:
            return unbind(*ends)


@dataclass
class Node:
    """A node: its copy, and the inquiry that it has under way."""

    contents: Contents
    numbers: "count[int]"
    copy: Cache = field(default_factory=Cache)
    request: Request | None = None
    inquiry: Run[int] | None = None

    def __post_init__(self) -> None:
        self.declaring = Declaring(STORED, self.copy.get, lambda: f"id{next(self.numbers)}")

    def catch_up(self, revisions: int) -> None:
        told, _ = self.contents.changes_since(*SPAN, self.copy.revision + 1, revisions)
        for each in told:
            self.copy.take(each.revision, each.changes, is_whole=True)


class Trial:
    """A store, two nodes and a single broker that does the same."""

    def __init__(self, broker: Broker) -> None:
        self.contents = Contents()
        vhost = VhostDefinition(VHOST)
        put(self.contents, STORED.key_of(vhost), STORED.value_of(vhost))
        numbers = count()
        self.nodes = [Node(self.contents, numbers) for _ in range(2)]
        self.vhost = broker.vhost(VHOST)
        self.broker = broker

    def begin(self, node: Node, request: Request) -> None:
        if node.inquiry is None:
            node.request = request
            node.inquiry = Run(request.ask(node.declaring))
            self._finished(node)

    def step(self, node: Node) -> None:
        if node.inquiry is not None:
            node.inquiry.step(self.contents)
            self._finished(node)

    def end(self) -> None:
        for node in self.nodes:
            while node.inquiry is not None:
                self.step(node)
        self.sweep()
        for node in self.nodes:
            node.catch_up(1_000_000)
            assert list(node.copy.between(*SPAN)) == list(self.contents.items())

    def sweep(self) -> None:
        for each in list(self.contents.items()):
            if not REFERENCES.holds(each, self.contents.now):
                run(self.contents, self.nodes[0].declaring.sweeping(each.key))

    def require_same(self) -> None:
        """Have the store hold what the single broker does."""
        found = {
            STORED.key_of(stored.definition)
            for each in self.contents.items()
            if REFERENCES.holds(each, self.contents.now)
            and (stored := STORED.definition_of(each.key, each.value)) is not None
        }
        assert found == {STORED.key_of(each) for each in TABLE.held(self.broker) if _is_of(each)}

    def _finished(self, node: Node) -> None:
        """Compare an answer with the broker's, which gets the request as the store decides it."""
        if node.inquiry is None or not node.inquiry.is_over:
            return
        assert node.request is not None
        expected: Exception | None = None
        try:
            node.request.do(self.vhost)
        except BrokerError as error:
            expected = error
        found = node.inquiry.error
        assert (type(found), str(found)) == (type(expected), str(expected)), node.request.text
        if node.inquiry.result:
            assert node.inquiry.result <= self.contents.revision
        node.inquiry = None
        self.require_same()


def _is_of(definition: object) -> bool:
    return TABLE.row_of(definition).word in {"vhost", "exchange", "queue", "binding"}


def trial() -> Trial:
    vhost = VhostDefinition(VHOST)
    stored = {TABLE.key_of(vhost): TABLE.value_of(vhost)}
    return Trial(StoredBroker(FakeChangeLog(), stored.items()).broker)


@pytest.mark.parametrize("auto_delete", [False, True], ids=["deletes", "auto-delete"])
@pytest.mark.parametrize("begin", range(0, SEEDS, SEEDS_AT_ONCE))
def test_two_nodes_answer_as_one_broker(begin: int, auto_delete: bool) -> None:
    for seed in range(begin, begin + SEEDS_AT_ONCE):
        chance = Random(seed)
        each = trial()
        for _ in range(MOVES):
            node = chance.choice(each.nodes)
            match chance.randrange(12):
                case 0:
                    node.catch_up(chance.randrange(1, 8))
                case 1 if chance.random() < 0.3:
                    each.sweep()
                case _ if node.inquiry is None:
                    each.begin(node, one_of(chance, auto_delete=auto_delete))
                case _:
                    each.step(node)
        each.end()
        each.require_same()


def queue_definition(arguments: dict[str, Field] | None = None) -> QueueProperties:
    return QueueProperties(True, False, False, arguments or {})


def noted(contents: Contents) -> set[str]:
    """Return the ids of queues whose data may be thrown away."""
    places = [KEYS.place_of(each.key) for each in contents.items()]
    return {place.names[0] for place in places if place is not None and place.kind == "gone"}


def test_a_deleted_queue_leaves_a_note_for_those_who_have_its_data() -> None:
    each = trial()
    node = each.nodes[0].declaring
    run(each.contents, node.queue(VHOST, "q", queue_definition()))
    put(each.contents, KEYS.queue_state(VHOST, "q"))
    run(each.contents, node.deleting_queue(VHOST, "q"))
    assert noted(each.contents) == {"id0"}
    assert each.contents.now(KEYS.queue_state(VHOST, "q")) is None
    assert run(each.contents, node.deleting_queue(VHOST, "q")) == 0


@pytest.mark.parametrize("how", ["sweep", "declare"])
def test_a_queue_that_ended_with_its_vhost_leaves_a_note_too(how: str) -> None:
    each = trial()
    node = each.nodes[0].declaring
    run(each.contents, node.queue(VHOST, "q", queue_definition()))
    vhost = each.contents.now(KEYS.key("vhost", VHOST))
    assert vhost is not None
    each.contents.apply((Change(vhost.key, None),))
    with pytest.raises(NotFoundError, match="no vhost '/'"):
        run(each.contents, node.queue(VHOST, "q", queue_definition()))
    put(each.contents, vhost.key, vhost.value)
    if how == "sweep":
        each.sweep()
    else:
        run(
            each.contents, node.queue(VHOST, "q", queue_definition({"x-max-length": Field("I", 5)}))
        )
    assert noted(each.contents) == {"id0"}


@pytest.mark.parametrize("key", ["x-max-priority", "x-max-length", "x-expires"])
def test_nobody_places_a_queue_whose_arguments_are_invalid(key: str) -> None:
    each = trial()
    node = each.nodes[0].declaring
    placed: list[str] = []
    node._place = lambda queue, _queue_id: placed.append(queue.name)
    with pytest.raises(PreconditionFailedError, match="invalid arg"):
        run(each.contents, node.queue(VHOST, "q", queue_definition({key: longstr("many")})))
    assert not placed
    run(each.contents, node.queue(VHOST, "q", queue_definition()))
    assert placed == ["q"]


def test_a_predeclared_exchange_is_there_without_a_question() -> None:
    each = trial()
    node = each.nodes[0].declaring
    same = Run(
        node.exchange(VHOST, "amq.topic", ExchangeProperties("topic", True, False, False, {}))
    )
    assert (same.result, same.asked_count) == (0, 0)

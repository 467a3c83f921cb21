"""Who gets what: exchanges, bindings and queues that come and go, against a model by brute force.

The model knows no cache, no trie, no runs: for each single message it looks at every binding there
is, again and again until nothing more is reached.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from amqp_server.broker.steps import finish
from tests.support.vhosts import VhostUnderTest, message

QUEUES = ("p", "q", "r")
EXCHANGES = ("x", "y")
KINDS = ("direct", "fanout", "topic", "headers")
KEYS = ("a", "a.b", "p")
PATTERNS = ("a", "a.b", "a.*", "#")
HEADERS: tuple[Mapping[str, object], ...] = ({}, {"h": 1}, {"h": 1, "i": "v"}, {"h": 2})
ARGUMENTS: tuple[Mapping[str, object], ...] = (
    {"h": 1},
    {"h": 1, "i": "v", "x-match": "all"},
    {"h": 2, "i": "v", "x-match": "any"},
)
FULL_AT = 3
"""The queue ``r`` holds so many messages and refuses the rest."""


class Edge(NamedTuple):
    source: str
    to_queue: bool
    to: str
    key: str
    argument_index: int


class Made(NamedTuple):
    kind: str
    auto_delete: bool
    alternate: str | None


class Outcome(NamedTuple):
    unroutable: list[int]
    rejected: list[int]


def topic_matches(pattern: Sequence[str], words: Sequence[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(topic_matches(pattern[1:], words[skip:]) for skip in range(len(words) + 1))
    return bool(words) and pattern[0] in {"*", words[0]} and topic_matches(pattern[1:], words[1:])


def headers_match(arguments: Mapping[str, object], headers: Mapping[str, object]) -> bool:
    wanted = [(key, value) for key, value in arguments.items() if key != "x-match"]
    found = [key in headers and headers[key] == value for key, value in wanted]
    return any(found) if arguments.get("x-match") == "any" else all(found)


@dataclass
class Model:
    exchanges: dict[str, Made] = field(default_factory=dict)
    queues: dict[str, list[bytes]] = field(default_factory=dict)
    edges: set[Edge] = field(default_factory=set)

    def matches(self, edge: Edge, keys: Sequence[str], headers: Mapping[str, object]) -> bool:
        kind = self.exchanges[edge.source].kind
        if kind == "direct":
            return edge.key in keys
        if kind == "topic":
            pattern = edge.key.split(".") if edge.key else []
            return any(topic_matches(pattern, key.split(".") if key else []) for key in keys)
        return kind == "fanout" or headers_match(ARGUMENTS[edge.argument_index], headers)

    def reached(self, start: str, keys: Sequence[str], headers: Mapping[str, object]) -> set[str]:
        if start == "":
            return {key for key in keys if key in self.queues}
        exchanges, queues = {start}, set[str]()
        while True:
            before = len(exchanges)
            for name in [name for name in exchanges if name in self.exchanges]:
                matched = [
                    edge
                    for edge in self.edges
                    if edge.source == name and self.matches(edge, keys, headers)
                ]
                exchanges |= {edge.to for edge in matched if not edge.to_queue}
                queues |= {edge.to for edge in matched if edge.to_queue}
                alternate = self.exchanges[name].alternate
                if not matched and alternate is not None:
                    exchanges.add(alternate)
            if len(exchanges) == before:
                return queues

    def publish(
        self,
        exchange: str,
        keys: Sequence[str],
        messages: Sequence[tuple[bytes, Mapping[str, object]]],
    ) -> Outcome:
        outcome = Outcome([], [])
        for index, (body, headers) in enumerate(messages):
            names = self.reached(exchange, keys, headers)
            refusing = {name for name in names if name == "r" and len(self.queues[name]) >= FULL_AT}
            for name in names - refusing:
                self.queues[name].append(body)
            if not names:
                outcome.unroutable.append(index)
            if refusing:
                outcome.rejected.append(index)
        return outcome

    def drop(self, edges: set[Edge]) -> None:
        self.edges -= edges
        for name in {edge.source for edge in edges}:
            made = self.exchanges.get(name)
            if made is None or not made.auto_delete:
                continue
            if not any(edge.source == name for edge in self.edges):
                self.delete_exchange(name)

    def delete_exchange(self, name: str) -> None:
        del self.exchanges[name]
        self.drop(
            {edge for edge in self.edges if edge.source == name}
            | {edge for edge in self.edges if not edge.to_queue and edge.to == name}
        )

    def delete_queue(self, name: str) -> None:
        del self.queues[name]
        self.drop({edge for edge in self.edges if edge.to_queue and edge.to == name})


class Twins:
    """The vhost and its model, told the same."""

    def __init__(self) -> None:
        self.place = VhostUnderTest()
        self.model = Model()
        self._bodies_count = 0

    def toggle_queue(self, name: str) -> None:
        """Declare a queue; delete it if it is there."""
        if name in self.model.queues:
            self.model.delete_queue(name)
            self.place.delete_queue(name)
            return
        self.model.queues[name] = []
        if name == "r":
            self.place.queue(name, max_length=FULL_AT, overflow="reject-publish")
        else:
            self.place.queue(name)

    def toggle_exchange(self, name: str, made: Made) -> None:
        """Declare an exchange; delete it if it is there."""
        if name in self.model.exchanges:
            self.model.delete_exchange(name)
            finish(self.place.vhost.exchanges.deleting(name, if_unused=False))
            return
        self.model.exchanges[name] = made
        self.place.exchange(name, made.kind, auto_delete=made.auto_delete, alternate=made.alternate)

    def toggle_binding(self, edge: Edge) -> None:
        """Bind two that are there; unbind them if they are bound so."""
        there = self.model.queues if edge.to_queue else self.model.exchanges
        if edge.source not in self.model.exchanges or edge.to not in there:
            return
        arguments = ARGUMENTS[edge.argument_index]
        if edge in self.model.edges:
            self.model.drop({edge})
            self.place.unbind(edge.source, edge.to, edge.key, arguments, to_queue=edge.to_queue)
            return
        self.model.edges.add(edge)
        self.place.bind(edge.source, edge.to, edge.key, arguments, to_queue=edge.to_queue)

    def unbind(self, number: int) -> None:
        """Take one of the bindings away, if there is any."""
        edges = sorted(self.model.edges)
        if edges:
            self.toggle_binding(edges[number % len(edges)])

    def publish(self, exchange: str, keys: Sequence[str], header_indexes: Sequence[int]) -> None:
        """Publish a run, or one message under several keys; whether it may be is asked before."""
        if exchange and exchange not in self.model.exchanges:
            return
        several = len(set(keys)) > 1
        chosen = [HEADERS[index] for index in header_indexes[: 1 if several else None]]
        bodies = [b"%d" % (self._bodies_count + index) for index in range(len(chosen))]
        self._bodies_count += len(chosen)
        run = [
            message(body, exchange, keys[0], **({"headers": given} if given else {}))
            for body, given in zip(bodies, chosen, strict=True)
        ]
        publisher = self.place.vhost.publisher
        if several:
            told = finish(publisher.publishing_to_keys(exchange, keys, run, self.place.now_ms))
        else:
            told = publisher.publish(exchange, run, self.place.now_ms)
        expected = self.model.publish(exchange, keys, list(zip(bodies, chosen, strict=True)))
        assert Outcome(list(told.unroutable), list(told.rejected)) == expected

    def check(self) -> None:
        router = self.place.vhost.router
        router.bindings.check_invariants()
        assert len(router.bindings) == len(self.model.edges)
        for name in EXCHANGES:
            assert self.place.vhost.exchanges.exists(name) is (name in self.model.exchanges)
        assert {name: self.place.bodies(name) for name in self.model.queues} == self.model.queues


EDGES = st.builds(
    Edge,
    st.sampled_from(EXCHANGES),
    st.booleans(),
    st.just(""),
    st.sampled_from(PATTERNS),
    st.integers(0, len(ARGUMENTS) - 1),
).flatmap(
    lambda edge: st.sampled_from(QUEUES if edge.to_queue else EXCHANGES).map(
        lambda to: edge._replace(to=to)
    )
)
MADE = st.builds(
    Made,
    st.sampled_from(KINDS),
    st.booleans(),
    st.sampled_from([None, "missing", *EXCHANGES]),
)
PUBLISHES = st.tuples(
    st.sampled_from((*EXCHANGES, "")),
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=2),
    st.lists(st.integers(0, len(HEADERS) - 1), min_size=1, max_size=4),
)


CHANGES = st.one_of(
    EDGES,
    st.integers(0, 7),  # the binding to take away
    st.sampled_from(QUEUES),
    st.tuples(st.sampled_from(EXCHANGES), MADE),
)
STEPS = st.sampled_from("ppppc").flatmap(lambda kind: PUBLISHES if kind == "p" else CHANGES)


@settings(deadline=None)
@given(
    made=st.fixed_dictionaries(dict.fromkeys(EXCHANGES, MADE)),
    bound=st.lists(EDGES, min_size=4, max_size=8),
    steps=st.lists(STEPS, min_size=10, max_size=30),
)
def test_every_message_is_where_it_belongs_and_nowhere_else(
    made: dict[str, Made], bound: list[Edge], steps: list[object]
) -> None:
    twins = Twins()
    for name, exchange in made.items():
        twins.toggle_exchange(name, exchange)
    for queue in QUEUES:
        twins.toggle_queue(queue)
    for edge in dict.fromkeys(bound):
        twins.toggle_binding(edge)
    for step in steps:
        match step:
            case str():
                twins.toggle_queue(step)
            case int():
                twins.unbind(step)
            case Edge():
                twins.toggle_binding(step)
            case (str() as name, Made() as exchange):
                twins.toggle_exchange(name, exchange)
            case (str() as name, list() as keys, list() as header_indexes):
                twins.publish(name, keys, header_indexes)
            case _:
                raise AssertionError(step)
    twins.check()

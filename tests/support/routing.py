"""Short ways to write down destinations, bindings and exchanges in tests."""

from collections.abc import Collection, Iterable, Mapping

from exchanges.bindings import Binding, Destination, DestinationKind
from exchanges.kinds import make_kind
from exchanges.ports import ExchangeKind
from exchanges.routing import Exchange, Router
from exchanges.topic_trie import TopicTrie


def queue(name: str) -> Destination:
    return Destination(DestinationKind.QUEUE, name)


def exchange(name: str) -> Destination:
    return Destination(DestinationKind.EXCHANGE, name)


def binding(
    destination: Destination,
    routing_key: str = "",
    arguments: Mapping[str, object] | None = None,
    *,
    source: str = "x",
) -> Binding:
    """Return a binding whose arguments key is as good as RabbitMQ's for telling bindings apart."""
    plain = arguments or {}
    return Binding(source, destination, routing_key, plain, repr(sorted(plain.items())).encode())


def bound(kind_name: str, *bindings: Binding) -> ExchangeKind:
    """Return an exchange of this type that holds these bindings."""
    kind = make_kind(kind_name)
    for each in bindings:
        kind.validate(each.routing_key, each.arguments)
        kind.bind(each)
    return kind


def remove_exchange(router: Router, name: str) -> list[Binding]:
    """Take out an exchange with all its bindings; return them."""
    router.withdraw_exchange(name)
    bindings = router.bindings.of_source(name) + router.bindings.of_destination(exchange(name))
    return [each for each in bindings if router.forget(each)]


def remove_queue(router: Router, name: str) -> list[Binding]:
    """Take out all bindings to a queue; return them."""
    return [each for each in router.bindings.of_destination(queue(name)) if router.forget(each)]


def matched(
    kind: ExchangeKind, routing_key: str, headers: Mapping[str, object] | None = None
) -> list[Destination]:
    """Return what one exchange matches, all its pieces."""
    at_once = kind.match(routing_key, headers)
    in_pieces = [each for piece in kind.pieces(routing_key, headers) for each in piece]
    if at_once is not None:
        assert sorted(at_once, key=str) == sorted(in_pieces, key=str), "both say the same"
    return in_pieces


def found_in(trie: TopicTrie, routing_key: str) -> list[Destination]:
    """Return what a trie matches, all its pieces."""
    at_once = trie.match(routing_key)
    in_pieces = [each for piece in trie.pieces(routing_key) for each in piece]
    if at_once is not None:
        assert sorted(at_once, key=str) == sorted(in_pieces, key=str), "both say the same"
    return in_pieces


def names(destinations: Iterable[Destination]) -> list[str]:
    """Return the names of what matched, each once, sorted."""
    return sorted({destination.name for destination in destinations})


def declared(name: str, kind_name: str = "fanout", alternate: str | None = None) -> Exchange:
    return Exchange(
        name=name,
        type=kind_name,
        durable=True,
        auto_delete=False,
        internal=False,
        arguments={},
        alternate_exchange=alternate,
        kind=make_kind(kind_name),
    )


def router_with(*exchanges: Exchange, queues: Collection[str] = ()) -> Router:
    """Return a router with these exchanges; ``queues`` are those the default exchange sees."""
    router = Router(queues.__contains__)
    for each in exchanges:
        router.add_exchange(each)
    return router

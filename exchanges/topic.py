"""The topic exchange: a binding key is a pattern over the words of the routing key (§3.1.3.3)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from exchanges.basis import Basis
from exchanges.bindings import Binding, Destination
from exchanges.route_changes import EVERY_KEY, KeyPart
from exchanges.topic_trie import TopicTrie


class TopicExchange:
    """Patterns in a trie; ``topic_trie`` says their meaning and the cost of a match."""

    __slots__ = ("_trie",)

    basis: Final = Basis.KEY
    takes_every_key: Final = True

    def __init__(self) -> None:
        self._trie = TopicTrie()

    def validate(self, _routing_key: str, _arguments: Mapping[str, object], /) -> None:
        """Accept any pattern.

        RabbitMQ 4.3 refuses more than two ``#``, because the cost of its match grows
        combinatorially with them. HareMQ's does not, so it allows any number, as 3.13 does.
        """

    def bind(self, binding: Binding, /) -> None:
        """Let messages whose key matches the pattern go to the destination."""
        self._trie.add(binding.routing_key, binding.destination)

    def unbind(self, binding: Binding, /) -> None:
        """Undo ``bind``."""
        self._trie.remove(binding.routing_key, binding.destination)

    def keys_of(self, routing_key: str, /) -> tuple[KeyPart, ...]:
        """Return the words before the first wildcard; without a wildcard exactly this key.

        ``a.#`` matches ``a`` too, which has no dot to begin with.
        """
        words = routing_key.split(".")
        for index, word in enumerate(words):
            if word in {"*", "#"}:
                begin = ".".join(words[:index])
                if not index:
                    return (EVERY_KEY,)
                longer = (f"{begin}.", True)
                return (longer,) if word == "*" else (longer, (begin, False))
        return ((routing_key, False),)

    def match(
        self, routing_key: str, _headers: Mapping[str, object] | None, /
    ) -> Iterable[Destination] | None:
        """Return the destinations whose pattern matches the key; one may come more than once."""
        return self._trie.match(routing_key)

    def pieces(
        self, routing_key: str, _headers: Mapping[str, object] | None, /
    ) -> Iterator[Iterable[Destination]]:
        """Return the same destinations in pieces."""
        return self._trie.pieces(routing_key)

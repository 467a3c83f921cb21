"""The port that every exchange type implements, and the types there are.

A kind holds its bindings in the form in which it matches fastest. It does not know durability,
other exchanges or queues. ``routing`` walks from exchange to exchange.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from exchanges.basis import Basis
from exchanges.bindings import Binding, Destination
from exchanges.consistent_hash import ConsistentHashExchange
from exchanges.deduplication import DeduplicatingExchange, window_of
from exchanges.delayed_message import DelayedMessageExchange
from exchanges.direct import DirectExchange
from exchanges.errors import UnknownExchangeTypeError
from exchanges.fanout import FanoutExchange
from exchanges.federation_upstream import FederationUpstreamExchange
from exchanges.headers import HeadersExchange
from exchanges.modulus_hash import ModulusHashExchange
from exchanges.random_choice import RandomBytes, RandomExchange
from exchanges.recent_history import RecentHistoryExchange
from exchanges.route_changes import KeyPart
from exchanges.super_stream import SuperStreamExchange
from exchanges.topic import TopicExchange


class ExchangeKind(Protocol):
    """The matching half of one exchange."""

    @property
    def basis(self) -> Basis:
        """What the answer depends on; always the same for one exchange."""

    @property
    def takes_every_key(self) -> bool:
        """Whether a message that has several keys (CC, BCC) is matched by each of them.

        Otherwise it is matched once, by its first one, or the key is not looked at.
        """

    def validate(self, routing_key: str, arguments: Mapping[str, object], /) -> None:
        """Check the key and arguments of a binding, before it is stored.

        Args:
            routing_key: the binding key.
            arguments: plain values, see ``Binding``.

        Raises:
            InvalidBindingError: this type cannot use it; the text is RabbitMQ's.
        """

    def bind(self, binding: Binding, /) -> None:
        """Add a binding that is valid and not here yet."""

    def unbind(self, binding: Binding, /) -> None:
        """Forget a binding that is here."""

    def keys_of(self, routing_key: str, /) -> tuple[KeyPart, ...]:
        """Return the routing keys that a binding with this binding key can affect, or more."""

    def match(
        self, routing_key: str, looked_at: Mapping[str, object] | None, /
    ) -> Iterable[Destination] | None:
        """Return where a message goes, before the next ``bind`` or ``unbind``.

        Args:
            routing_key: one of the message's keys.
            looked_at: as ``basis`` says, the message's headers as plain values, or its other
                properties by name; None when it has none, or neither is looked at.

        Returns:
            Destinations; one that several bindings lead to may come several times. None where the
            match takes more than about a millisecond; then use ``pieces``.
        """

    def pieces(
        self, routing_key: str, looked_at: Mapping[str, object] | None, /
    ) -> Iterator[Iterable[Destination]]:
        """Return the same however long it takes, in pieces of well under a millisecond.

        Other clients may bind and unbind between two pieces. A binding that exists all the time is
        found. A binding that comes or goes meanwhile may be found.
        """


_KINDS: Final[Mapping[str, Callable[[Mapping[str, object], RandomBytes], ExchangeKind]]] = (
    MappingProxyType(
        {
            "direct": lambda _arguments, _random_bytes: DirectExchange(),
            "fanout": lambda _arguments, _random_bytes: FanoutExchange(),
            "headers": lambda _arguments, _random_bytes: HeadersExchange(),
            "topic": lambda _arguments, _random_bytes: TopicExchange(),
            "x-consistent-hash": lambda arguments, _random_bytes: ConsistentHashExchange(arguments),
            "x-delayed-message": lambda arguments, random_bytes: DelayedMessageExchange(
                arguments, KIND_NAMES, lambda name: make_kind(name, arguments, random_bytes)
            ),
            "x-federation-upstream": lambda arguments, _random_bytes: FederationUpstreamExchange(
                arguments
            ),
            "x-message-deduplication": lambda _arguments, _random_bytes: FanoutExchange(),
            "x-modulus-hash": lambda _arguments, _random_bytes: ModulusHashExchange(),
            "x-random": lambda _arguments, random_bytes: RandomExchange(random_bytes),
            "x-recent-history": lambda arguments, _random_bytes: RecentHistoryExchange(arguments),
            "x-super-stream": lambda _arguments, _random_bytes: SuperStreamExchange(),
        }
    )
)

_NO_ARGUMENTS: Final[Mapping[str, object]] = MappingProxyType({})

KIND_NAMES: Final[tuple[str, ...]] = tuple(_KINDS)
"""The exchange types a client may declare, in alphabetical order."""


def make_kind(
    type_name: str,
    arguments: Mapping[str, object] = _NO_ARGUMENTS,
    random_bytes: RandomBytes = bytes,
) -> ExchangeKind:
    """Return an exchange of this type, without bindings.

    Args:
        type_name: one of ``KIND_NAMES``.
        arguments: of the exchange, plain values; most types look at none.
        random_bytes: the chance of a random exchange; the default is none, so that it always
            chooses the same binding.

    Raises:
        InvalidExchangeError: the type cannot use these arguments; the text is RabbitMQ's.
        UnknownExchangeTypeError: there is no such type; the text is RabbitMQ's.
    """
    kind = _KINDS.get(type_name)
    if kind is None:
        raise UnknownExchangeTypeError(f"unknown exchange type '{type_name}'")
    is_deduplicating = window_of(type_name, arguments) is not None
    made = kind(arguments, random_bytes)
    return DeduplicatingExchange(made) if is_deduplicating else made

"""The port that every exchange type implements, and the types there are.

A kind holds its bindings in the form in which it matches fastest. It does not know durability,
other exchanges or queues. ``routing`` walks from exchange to exchange.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from exchanges.bindings import Binding, Destination
from exchanges.direct import DirectExchange
from exchanges.errors import UnknownExchangeTypeError
from exchanges.fanout import FanoutExchange
from exchanges.headers import HeadersExchange
from exchanges.route_changes import KeyPart
from exchanges.topic import TopicExchange


class ExchangeKind(Protocol):
    """The matching half of one exchange."""

    @property
    def needs_routing_key(self) -> bool:
        """Whether the answer depends on the routing key."""

    @property
    def needs_headers(self) -> bool:
        """Whether the answer depends on the message's headers."""

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
        self, routing_key: str, headers: Mapping[str, object] | None, /
    ) -> Iterable[Destination] | None:
        """Return where a message goes, before the next ``bind`` or ``unbind``.

        Args:
            routing_key: one of the message's keys.
            headers: the message's headers as plain values; None when it has none.

        Returns:
            Destinations; one that several bindings lead to may come several times. None where the
            match takes more than about a millisecond; then use ``pieces``.
        """

    def pieces(
        self, routing_key: str, headers: Mapping[str, object] | None, /
    ) -> Iterator[Iterable[Destination]]:
        """Return the same however long it takes, in pieces of well under a millisecond.

        Other clients may bind and unbind between two pieces. A binding that exists all the time is
        found. A binding that comes or goes meanwhile may be found.
        """


_KINDS: Final[Mapping[str, Callable[[], ExchangeKind]]] = MappingProxyType(
    {
        "direct": DirectExchange,
        "fanout": FanoutExchange,
        "headers": HeadersExchange,
        "topic": TopicExchange,
    }
)

KIND_NAMES: Final = tuple(_KINDS)
"""The exchange types a client may declare, in alphabetical order."""


def make_kind(type_name: str) -> ExchangeKind:
    """Return an exchange of this type, without bindings.

    Raises:
        UnknownExchangeTypeError: there is no such type; the text is RabbitMQ's.
    """
    kind = _KINDS.get(type_name)
    if kind is None:
        raise UnknownExchangeTypeError(f"unknown exchange type '{type_name}'")
    return kind()

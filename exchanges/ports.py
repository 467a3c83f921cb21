"""The port that every exchange type implements.

A kind holds its bindings in the form in which it matches fastest. It does not know durability,
other exchanges or queues. ``routing`` walks from exchange to exchange. Types that stand before an
exchange of another type reach that one by this port too.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from exchanges.basis import Basis
from exchanges.bindings import Binding, Destination
from exchanges.route_changes import KeyPart


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

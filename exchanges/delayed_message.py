"""The delayed message exchange, ``x-delayed-message``: another type, whose messages wait first.

A message whose header ``x-delay`` is a number of ms from 1 to ``DELAY_MAX_MS`` goes to the
exchange's keeper (``amqp_server.broker.keepers.waiting_room``). When its time has come, the header
is negative, and the message is routed as by an exchange of the type ``x-delayed-type``. All other
messages are routed at once.

Source: RabbitMQ's community plugin rabbitmq_delayed_message_exchange; a text as a number, and a
fraction, are its rules too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from exchanges.basis import Basis
from exchanges.bindings import Binding, Destination
from exchanges.errors import InvalidExchangeError
from exchanges.keeping import KEEP_INSTEAD
from exchanges.ports import ExchangeKind
from exchanges.route_changes import KeyPart

TYPE: Final = "x-delayed-message"
INNER_TYPE: Final = "x-delayed-type"
DELAY: Final = "x-delay"
DELAY_MAX_MS: Final = (1 << 32) - 1

_DIGITS_MAX: Final = 20

MakeInner: TypeAlias = Callable[[str], ExchangeKind]
"""Returns an exchange of a type that exists, with the same arguments."""


class DelayedMessageExchange:
    """An exchange of another type behind a look at the delay.

    Attributes:
        inside: routes what need not wait.
    """

    __slots__ = ("basis", "inside", "takes_every_key")

    def __init__(
        self, arguments: Mapping[str, object], names: Iterable[str], make_inner: MakeInner
    ) -> None:
        """Make an exchange without bindings.

        Args:
            arguments: of the exchange, plain values.
            names: of the types that there are.
            make_inner: makes the other exchange.

        Raises:
            InvalidExchangeError: they name no such type; or that one cannot use them.
        """
        self.inside = make_inner(inner_type(arguments, names))
        if self.inside.basis is Basis.PROPERTIES:
            raise InvalidExchangeError(
                f"Invalid argument, '{INNER_TYPE}' cannot be an exchange that looks at a property"
            )
        self.basis = max(Basis.HEADERS, self.inside.basis)
        self.takes_every_key = self.inside.takes_every_key

    def validate(self, routing_key: str, arguments: Mapping[str, object], /) -> None:
        """Check a binding as the other type does.

        Raises:
            InvalidBindingError: that type cannot use it.
        """
        self.inside.validate(routing_key, arguments)

    def bind(self, binding: Binding, /) -> None:
        """Add a binding."""
        self.inside.bind(binding)

    def unbind(self, binding: Binding, /) -> None:
        """Undo ``bind``."""
        self.inside.unbind(binding)

    def keys_of(self, routing_key: str, /) -> tuple[KeyPart, ...]:
        """Return the keys that a binding affects, as the other type does."""
        return self.inside.keys_of(routing_key)

    def match(
        self, routing_key: str, headers: Mapping[str, object] | None, /
    ) -> Iterable[Destination] | None:
        """Return the keeper for a message that waits, otherwise what the other type returns."""
        if delay_ms(headers):
            return (KEEP_INSTEAD,)
        return self.inside.match(routing_key, headers)

    def pieces(
        self, routing_key: str, headers: Mapping[str, object] | None, /
    ) -> Iterator[Iterable[Destination]]:
        """Return the same in pieces."""
        if delay_ms(headers):
            return iter(((KEEP_INSTEAD,),))
        return self.inside.pieces(routing_key, headers)


def past_waiting(kind: ExchangeKind) -> ExchangeKind:
    """Return what routes a message that has waited: the type itself, or what one delays for."""
    return kind.inside if isinstance(kind, DelayedMessageExchange) else kind


def inner_type(arguments: Mapping[str, object], names: Iterable[str]) -> str:
    """Return the type by which an exchange routes.

    Raises:
        InvalidExchangeError: it is not among these names; the texts are the plugin's.
    """
    name = arguments.get(INNER_TYPE)
    if not isinstance(name, str):
        raise InvalidExchangeError(
            f"Invalid argument, '{INNER_TYPE}' must be an existing exchange type"
        )
    if name == TYPE:
        raise InvalidExchangeError(f"Invalid argument, '{TYPE}' can't be used for '{INNER_TYPE}'")
    if name not in names:
        raise InvalidExchangeError(f"unknown exchange type '{name}'")
    return name


def delay_ms(headers: Mapping[str, object] | None) -> int:
    """Return how long a message must wait, in ms; 0 where it must not."""
    value = headers.get(DELAY) if headers else None
    if isinstance(value, str):
        digits = value.removeprefix("+")
        is_number = digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_MAX
        value = int(digits) if is_number else 0
    elif isinstance(value, float):
        value = int(value) if 0 < value < 2 * DELAY_MAX_MS else 0
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return value if 0 < value <= DELAY_MAX_MS else 0

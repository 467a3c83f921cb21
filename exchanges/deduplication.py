"""Exchanges that do not route what they have routed before.

Two ways to declare one, and one behaviour:

    type x-message-deduplication, which is a fanout       x-cache-size is required
    any other type, x-message-deduplication: true         x-cache-size is 128 if it is missing

Such an exchange sends every message to its keeper, ``amqp_server.broker.keepers.deduplicator``,
which asks by the key of a message whether it was seen, and routes by the exchange inside what was
not.

Source: RabbitMQ's community plugin rabbitmq-message-deduplication for the type and its texts;
LavinMQ for the argument, the default size, and ``x-deduplication-header``.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from exchanges.basis import Basis
from exchanges.bindings import Binding, Destination
from exchanges.errors import InvalidExchangeError
from exchanges.keeping import KEEP_INSTEAD, NAME_BYTES_MAX
from exchanges.ports import ExchangeKind
from exchanges.route_changes import KeyPart

TYPE: Final = "x-message-deduplication"
ARGUMENT: Final = "x-message-deduplication"
SIZE: Final = "x-cache-size"
TTL: Final = "x-cache-ttl"
PERSISTENCE: Final = "x-cache-persistence"
HEADER: Final = "x-deduplication-header"

DEFAULT_SIZE: Final = 128
SIZE_MAX: Final = 10_000_000
"""The most keys of a window; each takes about 250 octets of memory."""

TTL_MAX_MS: Final = 315_360_000_000
"""Ten years, as of all spans."""

_DIGITS_MAX: Final = 20
_DELAYED: Final = "x-delayed-message"
_DELAYED_TYPE: Final = "x-delayed-type"


class Window(NamedTuple):
    """What an exchange remembers.

    Attributes:
        size: the most keys.
        ttl_ms: how long it remembers a key; None is for ever.
        header: whose value is the key.
        is_stored: whether the keys of a durable exchange survive a restart.
    """

    size: int
    ttl_ms: int | None
    header: str
    is_stored: bool


class DeduplicatingExchange:
    """The keeper in front of an exchange of some type.

    Attributes:
        inside: routes what was not seen.
    """

    __slots__ = ("inside",)

    basis: Final = Basis.KEY
    takes_every_key: Final = False

    def __init__(self, inside: ExchangeKind) -> None:
        self.inside = inside

    def validate(self, routing_key: str, arguments: Mapping[str, object], /) -> None:
        """Check a binding as the type does.

        Raises:
            InvalidBindingError: the type cannot use it.
        """
        self.inside.validate(routing_key, arguments)

    def bind(self, binding: Binding, /) -> None:
        """Add a binding."""
        self.inside.bind(binding)

    def unbind(self, binding: Binding, /) -> None:
        """Undo ``bind``."""
        self.inside.unbind(binding)

    def keys_of(self, routing_key: str, /) -> tuple[KeyPart, ...]:
        """Return the keys that a binding affects, as the type does."""
        return self.inside.keys_of(routing_key)

    def match(
        self, _routing_key: str, _looked_at: Mapping[str, object] | None, /
    ) -> Iterable[Destination]:
        """Return the keeper."""
        return (KEEP_INSTEAD,)

    def pieces(
        self, _routing_key: str, _looked_at: Mapping[str, object] | None, /
    ) -> Iterator[Iterable[Destination]]:
        """Return the keeper."""
        return iter(((KEEP_INSTEAD,),))


def window_of(type_name: str, arguments: Mapping[str, object]) -> Window | None:
    """Return what an exchange of this type and these arguments, plain values, remembers.

    Returns:
        None if it routes every message.

    Raises:
        InvalidExchangeError: an argument of it is wrong; the first three texts are the plugin's.
    """
    if type_name == _DELAYED and arguments.get(_DELAYED_TYPE) == TYPE:
        raise InvalidExchangeError(
            f"Invalid argument, '{TYPE}' can't be used for '{_DELAYED_TYPE}'"
        )
    if type_name != TYPE and arguments.get(ARGUMENT) is not True:
        return None
    if type_name == _DELAYED:
        raise InvalidExchangeError(
            f"Invalid argument, '{ARGUMENT}' cannot be used with an exchange of type '{_DELAYED}':"
            " bind that exchange to one that deduplicates"
        )
    size = _positive(arguments.get(SIZE, None if type_name == TYPE else DEFAULT_SIZE))
    if size is None:
        raise InvalidExchangeError(
            f"Missing or invalid argument, '{SIZE}' must be an integer greater than 0"
        )
    if size > SIZE_MAX:
        raise InvalidExchangeError(f"Invalid argument, '{SIZE}' must be at most {SIZE_MAX}")
    ttl_ms = _positive(arguments[TTL]) if TTL in arguments else None
    if TTL in arguments and (ttl_ms is None or ttl_ms > TTL_MAX_MS):
        raise InvalidExchangeError(f"Invalid argument, '{TTL}' must be an integer greater than 0")
    persistence = arguments.get(PERSISTENCE, "disk")
    if persistence not in ("disk", "memory"):
        raise InvalidExchangeError(
            f"Invalid argument, '{PERSISTENCE}' must be either 'disk' or 'memory'"
        )
    header = arguments.get(HEADER, HEADER)
    if not isinstance(header, str) or not 0 < _octets(header) <= NAME_BYTES_MAX:
        raise InvalidExchangeError(f"Invalid argument, '{HEADER}' must be the name of a header")
    return Window(size, ttl_ms, header, persistence == "disk")


def inside_of(kind: ExchangeKind) -> ExchangeKind:
    """Return what routes by its bindings: the kind itself, or what deduplicates stands before."""
    return kind.inside if isinstance(kind, DeduplicatingExchange) else kind


def _octets(name: str) -> int:
    return len(name.encode("utf-8", "surrogateescape"))


def _positive(value: object) -> int | None:
    """Return an integer above 0, also of a text as the plugin takes it; None for all else."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) <= _DIGITS_MAX else None
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        return None
    return value

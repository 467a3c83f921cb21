"""The headers exchange: a binding's arguments are a pattern over the message's headers (§3.1.3.4).

``x-match`` says how many of the other arguments, the *pairs*, must hold:

    all (the default)   every pair holds; without any pair every message matches
    any                 at least one holds; without any pair no message matches
    all-with-x, any-with-x   the same, but pairs whose name starts with ``x-`` count too

A pair holds when the message has a header of that name with an equal value. A void value asks for
the name alone. Values are compared exactly, but without their AMQP type: integers of any width are
equal, and 1 is neither 1.0 nor true nor "1". The items of an array or a table are compared with
their types and in their order. This holds for a table too: it is compared as the list of its items
as they came.

**Cost.** A binding with ``any`` is indexed under each of its pairs. A binding with ``all`` is
indexed under the pair that fewest bindings share so far. A message looks up its own headers, so its
cost depends on the bindings under these headers, not on all bindings. Under a pair, bindings are
kept by destination. The search among the bindings to one destination ends at the first that holds.
All bindings with ``any`` that share a pair cost one look-up together.

Source: AMQP 0-9-1 §3.1.3.4; RabbitMQ 3.13, rabbit_exchange_type_headers.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from exchanges.basis import Basis
from exchanges.bindings import (
    PIECE_MAX,
    Binding,
    Destination,
    DestinationCounts,
    in_pieces,
)
from exchanges.erlang_terms import amqp_type_name, erlang_term
from exchanges.errors import InvalidBindingError
from exchanges.route_changes import EVERY_KEY, KeyPart

X_MATCH: Final = "x-match"
ALL: Final = "all"
ANY: Final = "any"
ALL_WITH_X: Final = "all-with-x"
ANY_WITH_X: Final = "any-with-x"

_ExactValue: TypeAlias = tuple[type, object]
"""A value in a form in which ``==`` means that the exchange takes two values as equal."""

_Pair: TypeAlias = tuple[str, _ExactValue | None]
"""A header name and the value it must have; None when any value will do."""


class _Bucket:
    """The bindings that share a pair.

    Attributes:
        alone: destinations of the bindings that ask for nothing else.
        joint: the other bindings by destination, each with the pairs that must hold too.
        count: how many bindings.
    """

    __slots__ = ("alone", "count", "joint")

    def __init__(self) -> None:
        self.alone = DestinationCounts()
        self.joint: dict[Destination, dict[Binding, tuple[_Pair, ...]]] = {}
        self.count = 0

    def add(self, binding: Binding, others: tuple[_Pair, ...]) -> None:
        """Add a binding that asks for the pair and for these other pairs."""
        if others:
            self.joint.setdefault(binding.destination, {})[binding] = others
        else:
            self.alone.count_up(binding.destination)
        self.count += 1

    def remove_alone(self, destination: Destination) -> None:
        """Forget a binding that asked for the pair alone."""
        self.alone.count_down(destination)
        self.count -= 1

    def remove_joint(self, binding: Binding) -> bool:
        """Forget a binding that asks for more; False if it is not here."""
        row = self.joint.get(binding.destination)
        if row is None or row.pop(binding, None) is None:
            return False
        if not row:
            del self.joint[binding.destination]
        self.count -= 1
        return True

    def holding(self, message: "_MessageHeaders") -> Iterator[list[Destination]]:
        """Return, in pieces, the destinations of bindings whose other pairs hold, each once."""
        matched: list[Destination] = []
        looks_left = PIECE_MAX
        for destination, row in tuple(self.joint.items()):
            for others in tuple(row.values()):
                if looks_left <= 0:
                    yield matched
                    matched, looks_left = [], PIECE_MAX
                looks_left -= len(others)
                if all(map(message.holds, others)):
                    matched.append(destination)
                    break
        if matched:
            yield matched


class HeadersExchange:
    """Bindings by the headers that they ask for.

    Invariant: a binding with ``any`` is indexed under each of its pairs, one with ``all`` under
        exactly one of them, beside the others that must hold too.
    """

    __slots__ = ("_index", "_unconditional")

    basis: Final = Basis.HEADERS
    takes_every_key: Final = False

    def __init__(self) -> None:
        self._index: dict[str, dict[_ExactValue | None, _Bucket]] = {}
        self._unconditional = DestinationCounts()

    def validate(self, _routing_key: str, arguments: Mapping[str, object], /) -> None:
        """Check ``x-match``.

        Raises:
            InvalidBindingError: it is not a string, or not one of the four words.
        """
        if X_MATCH not in arguments:
            return
        value = arguments[X_MATCH]
        if not isinstance(value, str):
            raise InvalidBindingError(
                f"Invalid x-match field type {amqp_type_name(value)} "
                f"(value {erlang_term(value)}); expected longstr"
            )
        if value not in {ALL, ANY, ALL_WITH_X, ANY_WITH_X}:
            raise InvalidBindingError(
                f"Invalid x-match field value {erlang_term(value)}; "
                "expected all, any, all-with-x, or any-with-x"
            )

    def bind(self, binding: Binding, /) -> None:
        """Let messages whose headers fit the arguments go to the destination."""
        pairs = _pairs(binding.arguments)
        if _is_any(binding.arguments):
            for pair in pairs:
                self._bucket(pair).add(binding, ())
        elif pairs:
            rarest = min(pairs, key=self._bucket_size)
            self._bucket(rarest).add(binding, tuple([pair for pair in pairs if pair != rarest]))
        else:
            self._unconditional.count_up(binding.destination)

    def unbind(self, binding: Binding, /) -> None:
        """Undo ``bind``."""
        pairs = _pairs(binding.arguments)
        if _is_any(binding.arguments) or len(pairs) == 1:
            for pair in pairs:
                self._index[pair[0]][pair[1]].remove_alone(binding.destination)
                self._drop_if_empty(pair)
            return
        if not pairs:
            self._unconditional.count_down(binding.destination)
        for pair in pairs:
            # An ``all`` binding is in one bucket only, and which one is not kept.
            bucket = self._index.get(pair[0], {}).get(pair[1])
            if bucket is not None and bucket.remove_joint(binding):
                self._drop_if_empty(pair)
                return

    def keys_of(self, _routing_key: str, /) -> tuple[KeyPart, ...]:
        """Return all keys: the key is not looked at."""
        return (EVERY_KEY,)

    def match(
        self, _routing_key: str, _headers: Mapping[str, object] | None, /
    ) -> Iterable[Destination] | None:
        """Return None: ``pieces`` must be used, because a match may take long."""
        return None

    def pieces(
        self, _routing_key: str, headers: Mapping[str, object] | None, /
    ) -> Iterator[Iterable[Destination]]:
        """Return the destinations whose pattern fits; one may come more than once."""
        yield from in_pieces(self._unconditional)
        message = _MessageHeaders(headers or {})
        for name in message.names:
            by_value = self._index.get(name)
            if by_value is None:
                continue
            for value in (None, message.value(name)):
                bucket = by_value.get(value)
                if bucket is not None:
                    yield from in_pieces(bucket.alone)
                    yield from bucket.holding(message)

    def _bucket(self, pair: _Pair) -> _Bucket:
        name, value = pair
        by_value = self._index.setdefault(name, {})
        bucket = by_value.get(value)
        if bucket is None:
            bucket = by_value[value] = _Bucket()
        return bucket

    def _bucket_size(self, pair: _Pair) -> int:
        name, value = pair
        bucket = self._index.get(name, {}).get(value)
        return 0 if bucket is None else bucket.count

    def _drop_if_empty(self, pair: _Pair) -> None:
        name, value = pair
        by_value = self._index[name]
        if not by_value[value].count:
            del by_value[value]
            if not by_value:
                del self._index[name]


class _MessageHeaders:
    """The headers of one message; a value gets its exact form once, at the first question."""

    __slots__ = ("_exact_values", "names")

    def __init__(self, headers: Mapping[str, object]) -> None:
        self.names = headers
        self._exact_values: dict[str, _ExactValue] = {}

    def value(self, name: str) -> _ExactValue:
        exact = self._exact_values.get(name)
        if exact is None:
            exact = self._exact_values[name] = _exact(self.names[name])
        return exact

    def holds(self, pair: _Pair) -> bool:
        name, wanted = pair
        return name in self.names and (wanted is None or self.value(name) == wanted)


def why_not(arguments: Mapping[str, object], headers: Mapping[str, object] | None) -> str:
    """Say why a binding does not take a message that it does not take.

    Args:
        arguments: of the binding.
        headers: of the message; None when it has none.
    """
    message = _MessageHeaders(headers or {})
    pairs = _pairs(arguments)
    if _is_any(arguments):
        return "none of its headers is there with its value" if pairs else "it asks for no header"
    for name, wanted in pairs:
        if name not in message.names:
            return f"header '{name}' is not there"
        if not message.holds((name, wanted)):
            return f"header '{name}' has another value"
    return "it does not match"


def _is_any(arguments: Mapping[str, object]) -> bool:
    return arguments.get(X_MATCH) in {ANY, ANY_WITH_X}


def _pairs(arguments: Mapping[str, object]) -> tuple[_Pair, ...]:
    """Return the pairs that a binding asks for, in the order of its arguments."""
    with_x = arguments.get(X_MATCH) in {ALL_WITH_X, ANY_WITH_X}
    return tuple(
        [
            (name, None if value is None else _exact(value))
            for name, value in arguments.items()
            if name != X_MATCH and (with_x or not name.startswith("x-"))
        ]
    )


def _exact(value: object) -> _ExactValue:
    """Return a value's exact form.

    A string and a byte array with the same octets are equal, unless their types are compared. In
    RabbitMQ both are binaries. The decoder of tables bounds the nesting.
    """
    match value:
        case str():
            return bytes, value.encode("utf-8", "surrogateescape")
        case list():
            return list, tuple([(kind, _exact(item)) for kind, item in value])
        case dict():
            # The same class as an array: RabbitMQ has a list for both, so an empty table equals an
            # empty array.
            return list, tuple([(name, kind, _exact(item)) for name, (kind, item) in value.items()])
        case _:
            return type(value), value

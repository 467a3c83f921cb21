"""Where a message would go, by which ways, and why no other binding takes it.

The same walk as ``exchanges.routing``, binding by binding: each is judged by an exchange of the
same type that has this binding alone, so that nothing is matched by a second rule. A type that
chooses one of its bindings is asked for its choice. Nothing is counted, and nothing is kept.

A walk looks at every binding of every exchange on its way, so it is made in pieces.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from exchanges.basis import Basis
from exchanges.bindings import Binding, Destination, DestinationKind
from exchanges.deduplication import inside_of
from exchanges.delayed_message import DELAY, INNER_TYPE, TYPE, delay_ms
from exchanges.headers import why_not
from exchanges.kinds import make_kind
from exchanges.ports import ExchangeKind
from exchanges.routing import DEFAULT_EXCHANGE, Exchange, Properties, Router

ARRIVALS_MAX: Final = 1_000
"""Queues that are told; all are counted."""

MISSES_MAX: Final = 200
"""Bindings that do not match and are told, the nearest first; all are counted."""

PASSED_MAX: Final = 1_000
"""Exchanges on the way that are told."""

PATH_MAX: Final = 32
"""Last ways to a queue that are told."""

JUDGED_PER_STEP: Final = 32

How: TypeAlias = Literal["default", "binding", "alternate"]

_CHOOSING: Final[Mapping[str, str]] = {
    "x-consistent-hash": "the hash of the message chooses another binding",
    "x-modulus-hash": "the hash of the key chooses another binding",
    "x-super-stream": "the hash of the key chooses another partition",
}
"""Types that send a message to one of their destinations, and why not to the others."""


class Way(NamedTuple):
    """From an exchange to a queue or another exchange.

    Attributes:
        how: by the binding that every queue has to the default exchange, by one that was made, or
            by being the alternate exchange of one that matched nothing.
        binding: None where no binding was made.
    """

    how: How
    source: str
    destination: Destination
    binding: Binding | None = None


class Arrival(NamedTuple):
    """A queue that would get the message.

    Attributes:
        path: the ways from the exchange to the queue; only the last ones where there are many.
        by_chance: whether another queue may get the message in its place.
    """

    queue_name: str
    path: tuple[Way, ...]
    by_chance: bool


class Passed(NamedTuple):
    """An exchange on the way.

    Attributes:
        type: None where there is none of this name.
        waits_ms: how long the message waits there before it goes on; 0 is not at all.
    """

    name: str
    type: str | None
    bindings_count: int
    matched_count: int
    waits_ms: int


class Miss(NamedTuple):
    """A binding that does not take the message, and why."""

    binding: Binding
    reason: str


class Explanation(NamedTuple):
    """Where a message would go.

    Attributes:
        arrivals, misses, passed: as many as are told, in the order found.
        arrivals_count, misses_count, passed_count: of all.
    """

    arrivals: tuple[Arrival, ...]
    arrivals_count: int
    misses: tuple[Miss, ...]
    misses_count: int
    passed: tuple[Passed, ...]
    passed_count: int


class Message(NamedTuple):
    """What exchanges look at; see ``routing.Router.walk``."""

    routing_keys: Sequence[str]
    headers: Mapping[str, object] | None
    properties: Properties = dict


_Judge: TypeAlias = Callable[[Binding], str]
"""Says why a binding does not take the message; empty where it does."""


def explaining(
    router: Router, exchange_name: str, message: Message
) -> Generator[None, None, Explanation]:
    """Return where a message would go, in pieces.

    Args:
        router: of the vhost.
        exchange_name: where it would be published; one that does not exist leads nowhere.
        message: that would be published.
    """
    walk = _Walk(router, exchange_name)
    if exchange_name == DEFAULT_EXCHANGE:
        keys = tuple(dict.fromkeys(message.routing_keys))
        walk.pass_default(keys, router.route(exchange_name, keys, None).queue_names)
        return walk.explanation()
    for name in walk.to_visit:  # the list grows meanwhile
        exchange = router.exchanges.get(name)
        if exchange is None:
            walk.passed.append(Passed(name, None, 0, 0, 0))
            continue
        yield from _visiting(walk, exchange, message)
    return walk.explanation()


def _visiting(walk: "_Walk", exchange: Exchange, message: Message) -> Generator[None, None, None]:
    waits_ms = delay_ms(message.headers) if exchange.type == TYPE else 0
    if waits_ms and message.headers is not None:
        # As it is when it has waited.
        message = message._replace(headers={**message.headers, DELAY: -waits_ms})
    judge = yield from _judge_of(exchange, message)
    bindings = walk.router.bindings.of_source(exchange.name)
    matched_count = 0
    for number, binding in enumerate(bindings, start=1):
        reason = judge(binding)
        if reason:
            walk.miss(binding, reason)
        else:
            matched_count += 1
            walk.take(Way("binding", exchange.name, binding.destination, binding))
        if not number % JUDGED_PER_STEP:
            yield
    passed = Passed(exchange.name, exchange.type, len(bindings), matched_count, waits_ms)
    walk.passed.append(passed)
    alternate = exchange.alternate_exchange
    if not matched_count and alternate is not None:
        to = Destination(DestinationKind.EXCHANGE, alternate)
        walk.take(Way("alternate", exchange.name, to))
    yield


class _Walk:
    """A walk that is under way.

    Attributes:
        to_visit: exchanges in the order found.
        passed: those that were visited.
    """

    def __init__(self, router: Router, exchange_name: str) -> None:
        self.router = router
        self.to_visit = [exchange_name]
        self.passed: list[Passed] = []
        self._ways: dict[str, Way | None] = {exchange_name: None}
        self._arrivals: dict[str, Way] = {}
        self._misses: list[Miss] = []
        self._misses_count = 0

    def pass_default(self, keys: Sequence[str], queue_names: Sequence[str]) -> None:
        """Visit the default exchange."""
        for name in queue_names:
            self.take(Way("default", DEFAULT_EXCHANGE, Destination(DestinationKind.QUEUE, name)))
        passed = Passed(DEFAULT_EXCHANGE, "direct", len(keys), len(queue_names), 0)
        self.passed.append(passed)

    def take(self, way: Way) -> None:
        """Go a way, if nobody has been at its end yet."""
        kind, name = way.destination
        if kind is DestinationKind.QUEUE:
            self._arrivals.setdefault(name, way)
        elif name not in self._ways:
            self._ways[name] = way
            self.to_visit.append(name)

    def miss(self, binding: Binding, reason: str) -> None:
        """Note that a binding does not take the message."""
        self._misses_count += 1
        if len(self._misses) < MISSES_MAX:
            self._misses.append(Miss(binding, reason))

    def explanation(self) -> Explanation:
        """Return what was found."""
        told = list(self._arrivals.items())[:ARRIVALS_MAX]
        return Explanation(
            tuple([self._arrival(name, way) for name, way in told]),
            len(self._arrivals),
            tuple(self._misses),
            self._misses_count,
            tuple(self.passed[:PASSED_MAX]),
            len(self.passed),
        )

    def _arrival(self, name: str, last: Way) -> Arrival:
        path: list[Way] = []
        way: Way | None = last
        by_chance = False
        while way is not None and len(path) < PATH_MAX:
            path.append(way)
            source = self.router.exchanges.get(way.source)
            by_chance = by_chance or (source is not None and source.kind.basis is Basis.CHANCE)
            way = self._ways.get(way.source)
        return Arrival(name, tuple(reversed(path)), by_chance)


def _judge_of(exchange: Exchange, message: Message) -> Generator[None, None, _Judge]:
    """Return what judges the bindings of an exchange."""
    kind, keys = inside_of(exchange.kind), tuple(dict.fromkeys(message.routing_keys))
    keys = keys if kind.takes_every_key else keys[:1]
    looked_at = message.properties() if kind.basis is Basis.PROPERTIES else message.headers
    inner = exchange.arguments.get(INNER_TYPE) if exchange.type == TYPE else exchange.type
    type_name = inner if isinstance(inner, str) else exchange.type
    if kind.basis is Basis.CHANCE:
        return lambda _binding: ""
    if type_name in _CHOOSING:
        chosen: set[Destination] = set()
        for key in keys:
            for piece in kind.pieces(key, looked_at):
                chosen.update(piece)
                yield
        return lambda binding: "" if binding.destination in chosen else _CHOOSING[type_name]

    def judge(binding: Binding) -> str:
        alone = inside_of(make_kind(type_name, exchange.arguments))
        alone.bind(binding)
        if any(_takes(alone, key, looked_at) for key in keys):
            return ""
        return _reason(type_name, binding, keys[0], looked_at)

    return judge


def _takes(alone: ExchangeKind, key: str, looked_at: Mapping[str, object] | None) -> bool:
    """Whether an exchange sends a message to a queue or exchange."""
    return any(
        to.kind is not DestinationKind.KEEPER
        for piece in alone.pieces(key, looked_at)
        for to in piece
    )


def _reason(
    type_name: str, binding: Binding, key: str, looked_at: Mapping[str, object] | None
) -> str:
    if type_name == "headers":
        return why_not(binding.arguments, looked_at)
    if type_name == "topic":
        return _why_no_pattern(binding.routing_key, key)
    if type_name == "direct":
        return f"its key is '{binding.routing_key}'"
    return "it does not match"


def _why_no_pattern(pattern: str, key: str) -> str:
    """Say where a pattern and a key that do not match differ first."""
    words = key.split(".") if key else []
    parts = pattern.split(".") if pattern else []
    for index, part in enumerate(parts):
        place = index + 1
        if part == "#":
            return f"what follows '#' at word {place} does not fit"
        if index >= len(words):
            return f"the key has no word {place}"
        if part not in {"*", words[index]}:
            return f"word {place} is '{words[index]}', and not '{part}'"
    return f"the key has {len(words)} words, and not {len(parts)}"

"""The options of the command line: checks them, and makes a topology and a load from them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final, NamedTuple

from load_generator import wire
from load_generator.load import INSTANT_BYTES, Binding, Load, Settle, Streaming, Topology
from load_generator.wire import FieldValue, LoadError

SHARING_KINDS: Final = ("x-consistent-hash", "x-modulus-hash", "x-random", "x-super-stream")
"""Exchanges that give each message to one of their queues, whatever its key."""

KEYS_MAX: Final = 1_000_000
QUEUES_MAX: Final = 100_000
BINDINGS_MAX: Final = 100_000
BACKLOG_DEFAULT: Final = 100_000
_BACKLOG_BYTES: Final = 1 << 26
_RANDOM_KEYS_MIN: Final = 10_000
_NUMBER: Final = re.compile(r"%((?:0\d)?)d")
_INTEGER: Final = re.compile(r"-?\d{1,18}")
_WORDS: Final[Mapping[str, bool]] = {"true": True, "false": False}
_DURABLE_TYPES: Final = frozenset({"quorum", "stream"})


class OptionError(LoadError):
    """Options that contradict each other, or a value that cannot be read."""


@dataclass(frozen=True, slots=True)
class Options:
    """The command line; None is an option that was not given.

    Attributes:
        producers: publishing connections.
        consumers: consuming connections; None is one for each queue.
        queues: number of queues.
        queue_name: name of the only queue; None uses the pattern.
        queue_pattern: names of queues, ``%d`` from 1; None makes up names for the run.
        queue_arguments: of each queue.
        body: of each message.
        headers: the headers table; empty leaves the property out.
        persistent: delivery-mode 2 into durable queues.
        mandatory: unroutable messages are returned.
        exchange_kind: None is the default exchange.
        routing_key: pattern; None is a sensible key for the exchange.
        binding_key: pattern; each of its keys binds each queue. None binds the routing keys.
        key_count: number of keys that ``%d`` counts, from 0.
        random_keys: keys in random order instead of one after another.
        rate_per_s: of each producer; 0 is no limit.
        confirm_window: of each producer; 0 is without confirms.
        prefetch_count: 0 is no limit.
        ack: ``auto``, ``each`` or ``multi:N``.
        message_count: of all producers together, without producers of deliveries; 0 is no limit.
        backlog: messages that producers may be ahead; None is a default, 0 no limit.
        measures_latency: bodies begin with an instant.
        offset: where readers of streams begin; None is the broker's default.
        filters: values that readers of streams ask for.
        streaming: what the stream protocol has besides; None is AMQP.
        is_super_stream: the queues are the partitions of one super stream.
    """

    producers: int = 1
    consumers: int | None = None
    queues: int = 1
    queue_name: str | None = None
    queue_pattern: str | None = None
    queue_arguments: Mapping[str, FieldValue] = field(default_factory=dict)
    body: bytes = bytes(12)
    headers: Mapping[str, FieldValue] = field(default_factory=dict)
    persistent: bool = False
    mandatory: bool = False
    exchange_kind: str | None = None
    routing_key: str | None = None
    binding_key: str | None = None
    key_count: int = 1_000
    random_keys: bool = False
    rate_per_s: float = 0
    confirm_window: int = 0
    prefetch_count: int = 0
    ack: str = "auto"
    message_count: int = 0
    backlog: int | None = None
    measures_latency: bool = False
    offset: str | None = None
    filters: Sequence[str] = ()
    streaming: Streaming | None = None
    is_super_stream: bool = False


class Ack(NamedTuple):
    """How deliveries are settled; ``every`` counts only for MULTIPLE."""

    settle: Settle
    every: int


def parse_ack(text: str) -> Ack:
    """Read ``auto``, ``each`` or ``multi:N``.

    Raises:
        OptionError: it is none of these.
    """
    kind, _, count = text.partition(":")
    if kind == "multi" and count.isdecimal() and 0 < int(count) < 1 << 31:
        return Ack(Settle.MULTIPLE, int(count))
    if text in {"auto", "each"}:
        return Ack(Settle.AUTO if text == "auto" else Settle.EACH, 1)
    raise OptionError(f"--ack {text}: auto, each or multi:N, with N from 1")


def parse_fields(texts: Sequence[str]) -> dict[str, FieldValue]:
    """Read ``k=v`` pairs, separated by commas; whole numbers and true/false are not kept as text.

    Raises:
        OptionError: a part without ``=``, or without a name.
    """
    fields: dict[str, FieldValue] = {}
    for pair in (part for text in texts for part in text.split(",")):
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise OptionError(f"{pair!r} is not name=value")
        fields[name] = _WORDS.get(value, int(value) if _INTEGER.fullmatch(value) else value)
    return fields


def expand(pattern: str, numbers: range) -> list[str]:
    """Return a pattern with each number in place of ``%d`` or ``%06d``; without these, only itself.

    Raises:
        OptionError: there is more than one place.
    """
    places = _NUMBER.findall(pattern)
    if len(places) > 1:
        raise OptionError(f"{pattern!r} has more than one %d")
    if not places:
        return [pattern]
    before, _, after = _NUMBER.split(pattern)
    return [f"{before}{f'%{places[0]}d' % number}{after}" for number in numbers]


def topology_of(options: Options, prefix: str) -> Topology:
    """Return the queues, exchange and bindings that a run declares.

    Args:
        options: the command line.
        prefix: makes the names of the run unique, if none were given.

    Raises:
        OptionError: too many or too few of something.
    """
    queues = _queues(options, prefix)
    kind_of_queue = options.queue_arguments.get("x-queue-type")
    durable = options.persistent or options.streaming is not None or kind_of_queue in _DURABLE_TYPES
    kind = options.exchange_kind or ""
    return Topology(
        queues=queues,
        exchange=prefix if kind else "",
        exchange_kind=kind,
        bindings=_bindings(options, queues) if kind else (),
        queue_arguments=options.queue_arguments,
        durable=durable,
        is_shared=options.queue_pattern is not None or options.queue_name is not None,
        super_stream=prefix if options.is_super_stream else "",
    )


def _queues(options: Options, prefix: str) -> list[str]:
    if options.queues > QUEUES_MAX:
        raise OptionError(f"--queues {options.queues}: {QUEUES_MAX} at most")
    numbers = range(1, options.queues + 1)
    if options.queue_name is not None:
        if options.queues > 1:
            raise OptionError(f"{options.queues} queues need a --queue-pattern with %d")
        return [options.queue_name]
    if options.queue_pattern is None:
        return expand(f"{prefix.replace('%', '')}.%d", numbers)
    names = expand(options.queue_pattern, numbers)
    if len(names) != options.queues:
        raise OptionError(f"{options.queues} queues need a %d in {options.queue_pattern!r}")
    return names


def _keys(options: Options, queue_count: int) -> list[str]:
    """Return the routing keys in the order of their numbers."""
    if options.key_count > KEYS_MAX:
        raise OptionError(f"--keys {options.key_count}: {KEYS_MAX} at most")
    if options.routing_key is not None:
        return expand(options.routing_key, range(options.key_count))
    if options.exchange_kind in {"fanout", "headers"}:
        return [""]
    shares_keys_out = options.is_super_stream or options.exchange_kind in SHARING_KINDS
    return expand("key.%d", range(options.key_count if shares_keys_out else queue_count))


def _bindings(options: Options, queues: Sequence[str]) -> list[Binding]:
    """Return bindings by which every message reaches a queue, if no binding key was given."""
    if options.exchange_kind == "headers":
        if not options.headers:
            raise OptionError("--exchange headers routes by --headers; give at least one")
        arguments = {**options.headers, "x-match": "all"}
        return [Binding(queue, "", arguments) for queue in queues]
    if options.binding_key is not None:
        keys = expand(options.binding_key, range(options.key_count))
        pairs = [(queue, key) for queue in queues for key in keys]
    elif options.exchange_kind == "fanout":
        pairs = [(queue, "") for queue in queues]
    elif options.exchange_kind == "x-super-stream":
        pairs = [(queue, str(number)) for number, queue in enumerate(queues)]
    elif options.exchange_kind in SHARING_KINDS:
        pairs = [(queue, "1") for queue in queues]
    else:
        # Queues take keys in turn; if there are more queues than keys, keys are used again.
        keys = _keys(options, len(queues))
        count = max(len(keys), len(queues))
        pairs = [(queues[n % len(queues)], keys[n % len(keys)]) for n in range(count)]
    if len(pairs) > BINDINGS_MAX:
        raise OptionError(f"{len(pairs)} bindings; {BINDINGS_MAX} at most")
    return [Binding(queue, key) for queue, key in pairs]


def load_of(options: Options, topology: Topology) -> Load:
    """Return the work of publishers and consumers.

    Raises:
        OptionError: options that contradict each other.
    """
    ack = parse_ack(options.ack)
    consumer_queues = _consumer_queues(options, topology.queues)
    _check(options, ack)
    streaming = options.streaming
    if streaming is not None and options.is_super_stream:
        streaming = replace(streaming, partitions=topology.queues)
    return Load(
        exchange=topology.exchange,
        publisher_keys=_publisher_keys(options, topology),
        properties=wire.properties(options.headers or None, persistent=options.persistent),
        body=options.body,
        mandatory=options.mandatory,
        has_instants=options.measures_latency,
        rate_per_s=options.rate_per_s,
        confirm_window=options.confirm_window,
        message_count_max=options.message_count if options.producers else 0,
        backlog_max=_backlog(options, consumer_queues, topology),
        copies=_copies(topology),
        consumer_queues=consumer_queues,
        settle=ack.settle,
        ack_every=ack.every,
        prefetch_count=options.prefetch_count,
        offset=options.offset or "",
        filters=options.filters,
        streaming=streaming,
    )


def _check(options: Options, ack: Ack) -> None:
    if not options.producers and options.consumers == 0:
        raise OptionError("neither a producer nor a consumer")
    if options.measures_latency and len(options.body) < INSTANT_BYTES:
        raise OptionError(f"--latency needs bodies of at least {INSTANT_BYTES} bytes")
    if 0 < options.prefetch_count < ack.every:
        raise OptionError(
            f"--ack multi:{ack.every} waits for more than --prefetch {options.prefetch_count} gives"
        )


def _consumer_queues(options: Options, queues: Sequence[str]) -> list[str]:
    count = len(queues) if options.consumers is None else options.consumers
    if 0 < count < len(queues):
        raise OptionError(f"{len(queues)} queues need as many consumers, or none; not {count}")
    return [queues[index % len(queues)] for index in range(count)]


def _publisher_keys(options: Options, topology: Topology) -> list[list[str]]:
    """Return the keys of each producer; with the default exchange they share out the queues."""
    if topology.exchange or topology.super_stream or options.routing_key is not None:
        keys = _keys(options, len(topology.queues))
        return [_in_order(keys, options)] * options.producers
    queues, count = topology.queues, options.producers
    return [[*queues[index::count]] or [queues[index % len(queues)]] for index in range(count)]


def _in_order(keys: list[str], options: Options) -> list[str]:
    if not options.random_keys:
        return keys
    # The seed is always the same, so that two runs publish the same.
    chance = Random(1)  # noqa: S311 -- no secret
    return chance.choices(keys, k=max(len(keys), _RANDOM_KEYS_MIN))


def _copies(topology: Topology) -> int:
    """Return the number of deliveries of each message, as far as bindings show it."""
    return len(topology.queues) if topology.exchange_kind in {"fanout", "headers"} else 1


def _backlog(options: Options, consumer_queues: Sequence[str], topology: Topology) -> int:
    """Return the limit of the backlog; 0 if deliveries do not show it."""
    if not consumer_queues or not options.producers:
        return 0
    if options.backlog is not None:
        return options.backlog
    is_told = not topology.exchange and options.routing_key is None
    if not is_told and (options.binding_key is not None or not topology.exchange):
        return 0
    return max(64, min(BACKLOG_DEFAULT, _BACKLOG_BYTES // max(1, len(options.body))))

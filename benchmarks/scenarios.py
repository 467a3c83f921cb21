"""The scenarios, as data: each says what is published, routed and settled.

Every scenario is bounded: a window lasts the seconds asked for, publishers stay at most
``backlog_max`` messages ahead of the consumers, and scenarios with a count stop at it. Only a
*flood* is bounded by nothing but the window: its publisher waits for nothing, as many of users do.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from benchmarks.stream_scenarios import (
    STREAM_RESTARTS,
    STREAM_SCENARIOS,
    OfStreams,
    RestartStreams,
)
from load_generator.load import Settle


class Durability(StrEnum):
    """The class of messages, which says what they survive; printed beside every figure."""

    TRANSIENT = "transient"
    """Transient queue, delivery-mode 1: nothing is written to disk."""
    FSYNC = "fsync"
    """Durable queue, delivery-mode 2: confirmed after fdatasync. A power cut loses nothing."""
    OS = "os"
    """The same, confirmed after write: a crash of the broker loses nothing, a power cut may."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Publishers and consumers at full speed; the figure is the steady consume rate.

    Attributes:
        name: on the command line.
        title: in the report.
        body_size_bytes: length of every body.
        header_count: longstr entries in the headers table; 0 leaves the property out.
        publisher_count: connections that publish.
        publishes_per_write: messages in one write; 0 fills 64 KiB.
        confirm_window: most unconfirmed publishes; 0 publishes without confirms.
        exchange_kind: type of an exchange that is declared; empty is the default exchange.
        queue_count: queues, each with one consumer on its own connection.
        binding_count: bindings of each queue, of which one matches a message.
        key_count: routing keys, one after another; each matches another binding than the last.
        is_spread: each queue is bound with another key, and the keys take turns.
        settle: how deliveries are settled.
        prefetch_count: basic.qos of each consumer; 0 is no limit.
        ack_every: deliveries per ack, if ``settle`` is MULTIPLE.
        backlog_max: messages that publishers may be ahead of the deliveries; 0 is no limit.
        counts_confirms: the figure is confirmed publishes, not deliveries.
        is_persistent: durable queue and delivery-mode 2, in the class that the broker was started
            with.
        measures_disk: the time of the disk for a write and fdatasync is measured too.
        is_tls: over TLS, with the version and cipher that broker and generator agree on.
    """

    name: str
    title: str
    body_size_bytes: int = 12
    header_count: int = 0
    publisher_count: int = 1
    publishes_per_write: int = 0
    confirm_window: int = 0
    exchange_kind: str = ""
    queue_count: int = 1
    binding_count: int = 1
    key_count: int = 1
    is_spread: bool = False
    settle: Settle = Settle.AUTO
    prefetch_count: int = 0
    ack_every: int = 100
    backlog_max: int = 10_000
    counts_confirms: bool = False
    is_persistent: bool = False
    measures_disk: bool = False
    is_tls: bool = False

    @property
    def copies(self) -> int:
        """Deliveries per message; without an exchange it goes to only one of the queues."""
        return self.queue_count if self.exchange_kind and not self.is_spread else 1

    @property
    def is_by_headers(self) -> bool:
        """Bindings have arguments, and messages have the headers that match one of them."""
        return self.exchange_kind == "headers"


@dataclass(frozen=True, slots=True)
class Paced:
    """One publisher at a fixed rate, one auto-ack consumer; the figure is the latency.

    A message carries the instant at which it was due. So if a broker stops the publisher, the
    waiting time of every delayed message counts.

    Attributes:
        name, title: as of a ``Flow``.
        rate_per_s: messages per second.
        body_size_bytes: length of every body.
        is_beside_flood: another publisher floods another queue, which has no consumer.
    """

    name: str
    title: str
    rate_per_s: int
    body_size_bytes: int = 16
    is_beside_flood: bool = False


@dataclass(frozen=True, slots=True)
class Rpc:
    """A client that waits for each reply over amq.rabbitmq.reply-to, and a server."""

    name: str
    title: str
    body_size_bytes: int = 12


@dataclass(frozen=True, slots=True)
class Connects:
    """Connections opened one after another: log in, open a channel, close."""

    name: str
    title: str
    connection_count_max: int = 5_000
    is_tls: bool = False


@dataclass(frozen=True, slots=True)
class Declares:
    """Queues declared and bound; the client waits for the reply to each method."""

    name: str
    title: str
    queue_count: int = 2_000


@dataclass(frozen=True, slots=True)
class IdleConnections:
    """Memory of idle connections; measured once, when the broker has just started."""

    name: str
    title: str
    connection_count: int = 500


@dataclass(frozen=True, slots=True)
class Restart:
    """A broker is killed and started again; the figure is the seconds until it serves.

    Attributes:
        name, title: as of a ``Flow``.
        message_count: persistent messages in one durable queue; 0 leaves the queues empty.
        body_size_bytes: length of every body.
        queue_count: durable empty queues, all bound to one durable exchange.
    """

    name: str
    title: str
    message_count: int = 0
    body_size_bytes: int = 0
    queue_count: int = 1


Running: TypeAlias = Flow | Paced | Rpc | Connects | Declares | IdleConnections | OfStreams
"""A scenario for a running broker."""

Scenario: TypeAlias = Running | Restart | RestartStreams

SCENARIOS: Final[tuple[Running, ...]] = (
    # First, because connections would else use memory that an earlier scenario has freed.
    IdleConnections("idle", "500 idle connections"),
    Flow("auto-ack-12", "auto-ack, 12 B"),
    Flow("auto-ack-1k", "auto-ack, 1 KiB", body_size_bytes=1_024),
    Flow(
        "acked-12",
        "prefetch 1000, ack multiple per 100, 12 B",
        settle=Settle.MULTIPLE,
        prefetch_count=1_000,
    ),
    Flow(
        "acked-1k",
        "prefetch 1000, ack multiple per 100, 1 KiB",
        body_size_bytes=1_024,
        settle=Settle.MULTIPLE,
        prefetch_count=1_000,
    ),
    Flow(
        "ack-each",
        "prefetch 1000, ack one by one, 12 B",
        settle=Settle.EACH,
        prefetch_count=1_000,
    ),
    Flow(
        "confirms-2000",
        "publisher confirms, window 2000, 12 B",
        confirm_window=2_000,
        counts_confirms=True,
    ),
    Flow(
        "confirm-each",
        "publish, wait for its confirm, 12 B",
        confirm_window=1,
        counts_confirms=True,
    ),
    Flow("headers-4", "four headers per message, 12 B", header_count=4),
    Flow("fanout-10", "fanout to 10 queues, 12 B", exchange_kind="fanout", queue_count=10),
    Flow(
        "fanout-50",
        "fanout to 50 queues, 1 KiB",
        body_size_bytes=1_024,
        exchange_kind="fanout",
        queue_count=50,
        backlog_max=500,
    ),
    Flow(
        "topic-1000",
        "topic, 1000 bindings, one key, 12 B",
        exchange_kind="topic",
        binding_count=1_000,
    ),
    Flow(
        "topic-keys",
        "topic, 1000 bindings, a new key each, 12 B",
        exchange_kind="topic",
        binding_count=1_000,
        key_count=100_000,
    ),
    Flow(
        "keys-50",
        "direct, 50 keys in turn to 50 queues, 12 B",
        exchange_kind="direct",
        queue_count=50,
        is_spread=True,
    ),
    Flow(
        "headers-20",
        "headers exchange, 20 bindings, 12 B",
        exchange_kind="headers",
        binding_count=20,
    ),
    Flow(
        "publishers-50",
        "50 publishers, a write per message, 128 B",
        body_size_bytes=128,
        publisher_count=50,
        publishes_per_write=1,
    ),
    Flow("bodies-120k", "bodies of 120 kB", body_size_bytes=120_000, backlog_max=64),
    Rpc("rpc", "RPC over direct reply-to, one at a time"),
    Paced("latency-1k", "latency at 1,000/s", rate_per_s=1_000),
    Paced("latency-20k", "latency at 20,000/s", rate_per_s=20_000),
    Flow(
        "flood-acked",
        "a publisher without a bound; prefetch 1000, ack multiple per 100, 12 B",
        settle=Settle.MULTIPLE,
        prefetch_count=1_000,
        backlog_max=0,
    ),
    Paced(
        "flood-canary",
        "latency at 200/s beside a publisher without a bound, 12 B",
        rate_per_s=200,
        is_beside_flood=True,
    ),
    Flow(
        "persistent-12",
        "persistent, confirms 2000, ack multiple per 100, 12 B",
        settle=Settle.MULTIPLE,
        prefetch_count=1_000,
        confirm_window=2_000,
        is_persistent=True,
    ),
    Flow(
        "persistent-1k",
        "persistent, confirms 2000, ack multiple per 100, 1 KiB",
        body_size_bytes=1_024,
        settle=Settle.MULTIPLE,
        prefetch_count=1_000,
        confirm_window=2_000,
        is_persistent=True,
    ),
    Flow(
        "persistent-wide",
        "persistent, confirms 20000, ack multiple per 500, 1 KiB",
        body_size_bytes=1_024,
        settle=Settle.MULTIPLE,
        prefetch_count=1_000,
        ack_every=500,
        confirm_window=20_000,
        backlog_max=40_000,
        is_persistent=True,
    ),
    Flow(
        "persistent-50",
        "persistent, 4 publishers to 50 queues in turn, 128 B",
        body_size_bytes=128,
        publisher_count=4,
        queue_count=50,
        settle=Settle.MULTIPLE,
        prefetch_count=1_000,
        confirm_window=2_000,
        is_persistent=True,
    ),
    Flow(
        "persistent-each",
        "persistent, publish, wait for its confirm, 128 B",
        body_size_bytes=128,
        confirm_window=1,
        counts_confirms=True,
        is_persistent=True,
        measures_disk=True,
    ),
    Flow("tls-auto-ack-12", "TLS, auto-ack, 12 B", is_tls=True),
    Flow("tls-auto-ack-1k", "TLS, auto-ack, 1 KiB", body_size_bytes=1_024, is_tls=True),
    Flow(
        "tls-acked-1k",
        "TLS, prefetch 1000, ack multiple per 100, 1 KiB",
        body_size_bytes=1_024,
        settle=Settle.MULTIPLE,
        prefetch_count=1_000,
        is_tls=True,
    ),
    Flow(
        "tls-confirms-2000",
        "TLS, confirms, at most 2000 unconfirmed, 12 B",
        confirm_window=2_000,
        counts_confirms=True,
        is_tls=True,
    ),
    Flow(
        "tls-confirm-each",
        "TLS, publish, wait for its confirm, 12 B",
        confirm_window=1,
        counts_confirms=True,
        is_tls=True,
    ),
    Connects("connects", "connections opened one after another"),
    Connects("tls-connects", "TLS, connections opened one after another", is_tls=True),
    Declares("declares", "2000 queues declared and bound"),
)


RESTARTS: Final[tuple[Restart | RestartStreams, ...]] = (
    Restart("restart-1m", "restart, 1 M messages, 128 B", message_count=10**6, body_size_bytes=128),
    Restart("restart-10m", "restart, 10 M messages, 16 B", message_count=10**7, body_size_bytes=16),
    Restart("restart-queues", "restart, 10,000 bound queues", queue_count=10_000),
    *STREAM_RESTARTS,
)
"""They take minutes, so they are measured only if their names are given."""


def is_tls(scenario: Scenario) -> bool:
    """Return whether a scenario is measured over TLS."""
    return isinstance(scenario, Flow | Connects) and scenario.is_tls


def chosen(names: str) -> tuple[Scenario, ...]:
    """Return the scenarios of a comma-separated list, in the table's order.

    Empty is all but streams and ``RESTARTS``.

    Raises:
        KeyError: no scenario has that name.
    """
    if not names:
        return SCENARIOS
    wanted = names.split(",")
    everything: tuple[Scenario, ...] = (*SCENARIOS, *STREAM_SCENARIOS, *RESTARTS)
    known = {scenario.name for scenario in everything}
    for name in wanted:
        if name not in known:
            raise KeyError(name)
    return tuple(scenario for scenario in everything if scenario.name in wanted)

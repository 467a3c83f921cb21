"""The kinds of queue there are: one row each, and the folder that its engine is in.

Other modules ask the row of a kind what it can do, and never compare kinds. So a new kind is a
folder beside ``queues.classic`` and a row in ``KINDS`` (ADR 26). The allowed values of an argument
are the same for all kinds. They stand where AMQP's types are known:
``amqp_server.broker.arguments.rules``.

Source: RabbitMQ 3.13; texts were measured on 3.10.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import Any, Final, TypeAlias

from persistence.log_form import LogForm
from queues.batch import Batch
from queues.classic.engines import make_engine, make_mirrored
from queues.classic.rules import CLASSIC_RULES, QUORUM_RULES
from queues.log_port import QueueLog
from queues.memory_log import MemoryLog
from queues.options import Overflow, QueueOptions
from queues.ports import EngineParts, QueueEngine
from queues.stream.engine import StreamEngine
from queues.stream.memory_log import MemoryStreamLog
from queues.stream.mirror_stream import MirrorStream
from queues.stream.mirrored_stream import MirroredStream
from queues.stream.read_options import CONSUMER_ARGUMENTS as STREAM_CONSUMER_ARGUMENTS
from queues.stream_log import StreamLog


class Request(Enum):
    """Requests that not every kind of queue grants."""

    AUTO_DELETE = auto()
    EXCLUSIVE = auto()
    TRANSIENT = auto()
    UNNAMED = auto()
    GET = auto()
    PURGE = auto()
    DELETE_IF_UNUSED = auto()
    DELETE_IF_EMPTY = auto()
    SHARED_PREFETCH = auto()
    NO_ACK = auto()
    NO_PREFETCH = auto()


class RefusedAs(Enum):
    """What kind of error a refusal is."""

    PRECONDITION = auto()
    LOCKED = auto()
    NOT_SUPPORTED = auto()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a request that a kind does not grant.

    Attributes:
        error: the kind of error.
        text: RabbitMQ's, where ``{queue}`` is ``queue 'q' in vhost '/'``.
        with_single_active_only: only queues with a single active consumer refuse it.
    """

    error: RefusedAs
    text: str
    with_single_active_only: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryHeader:
    """A header (an integer) that deliveries of a kind have in addition to the message's own.

    Attributes:
        name: of the header.
        value_of: returns one value for all messages of a batch, or one for each.
        omits_zero: deliveries to a consumer do not have it where the one value is 0.
    """

    name: str
    value_of: Callable[[Batch], int | Sequence[int]]
    omits_zero: bool = False


MakeEngine: TypeAlias = Callable[[EngineParts[Any]], QueueEngine]

MirrorEngine: TypeAlias = MirrorStream
"""Serves readers on a node that has a mirror: streams are the only kind that is read there."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class QueueKind:
    """One row: the name, the engine and the abilities of a kind of queue.

    Attributes:
        name: the value of ``x-queue-type``.
        module: RabbitMQ's name for it in texts.
        make_engine: returns the engine of a new queue.
        make_mirrored: the same on the leader of a mirrored queue, whose log is a ``CommittedLog``,
            or that of a mirrored stream.
        arguments: of queue.declare, in RabbitMQ's order of comparing. Arguments of other kinds are
            refused. Arguments that no kind knows are kept and have no effect.
        consumer_arguments: of basic.consume, in RabbitMQ's order of checking.
        policy_scope: the ``apply-to`` of policies for this kind alone.
        foreign_policy_keys: keys that keep a whole policy away from it.
        refusals: the requests that it refuses; it grants all others.
        heeds_delete_conditions: whether if-unused and if-empty have an effect, where they are not
            refused.
        heeds_shared_prefetch: whether its deliveries count for, and heed, basic.qos global=true.
        log_form: which log its engine gets: a ``queues.log_port.QueueLog``, or a
            ``queues.stream_log.StreamLog``.
        delivery_header: the additional header of deliveries; None is no header.
        delivery_limit: requeues of one message before it is dead-lettered, if neither arguments nor
            policy say; None is no limit.
        missing_overflows: overflow behaviours that it does not have; it drops from the head
            instead.
        policy_decides_overflow: the policy is stronger than the argument; usually it is weaker.
        policy_decides_retention: the same of ``max-length-bytes``; usually the smaller holds.
    """

    name: str
    module: str
    make_engine: MakeEngine
    make_mirrored: MakeEngine
    arguments: tuple[str, ...]
    consumer_arguments: tuple[str, ...]
    policy_scope: str
    foreign_policy_keys: frozenset[str] = frozenset()
    refusals: Mapping[Request, Refusal] = field(default_factory=dict)
    heeds_delete_conditions: bool = True
    heeds_shared_prefetch: bool = True
    log_form: LogForm = LogForm.QUEUE
    delivery_header: DeliveryHeader | None = None
    delivery_limit: int | None = None
    missing_overflows: frozenset[Overflow] = frozenset()
    policy_decides_overflow: bool = False
    policy_decides_retention: bool = False

    def refusal(self, request: Request, options: QueueOptions | None = None) -> Refusal | None:
        """Return the refusal of a request; None if it is granted.

        Args:
            request: of a client.
            options: of the queue; None while it is being declared.
        """
        found = self.refusals.get(request)
        if found is None or not found.with_single_active_only:
            return found
        return found if options is not None and options.single_active_consumer else None


def requests_of(*, durable: bool, exclusive: bool, auto_delete: bool) -> list[Request]:
    """Return the requests in the flags of a declare, in RabbitMQ's order of checking."""
    asked = (
        (Request.AUTO_DELETE, auto_delete),
        (Request.EXCLUSIVE, exclusive),
        (Request.TRANSIENT, not durable),
    )
    return [request for request, is_asked in asked if is_asked]


def refused_flag(flag: str) -> Refusal:
    """Return the refusal of a flag of queue.declare."""
    return Refusal(RefusedAs.PRECONDITION, f"invalid property '{flag}' for {{queue}}")


def refused_unnamed(module: str) -> Refusal:
    """Return the refusal of a declare that leaves the name to the broker."""
    text = f"Cannot declare a server-named queue for type {module}"
    return Refusal(RefusedAs.PRECONDITION, text)


def _refused_condition(flag: str) -> Refusal:
    text = (
        f"cannot delete {{queue}}. queue.delete operations with {flag} flag set are not supported"
        " by quorum queues"
    )
    return Refusal(RefusedAs.NOT_SUPPORTED, text)


_OF_DEDUPLICATION: Final = (
    "x-message-deduplication",
    "x-deduplication-header",
    "x-cache-size",
    "x-cache-ttl",
)

_OF_STREAMS: Final = frozenset(
    {
        "initial-cluster-size",
        "max-age",
        "stream-compact-key",
        "stream-compact-tombstone-age",
        "stream-filter-size-bytes",
        "stream-max-segment-size-bytes",
    }
)

CLASSIC: Final = QueueKind(
    name="classic",
    module="rabbit_classic_queue",
    make_engine=partial(make_engine, CLASSIC_RULES),
    make_mirrored=partial(make_mirrored, CLASSIC_RULES),
    arguments=(
        "x-expires",
        "x-message-ttl",
        "x-dead-letter-exchange",
        "x-dead-letter-routing-key",
        "x-max-length",
        "x-max-length-bytes",
        "x-max-priority",
        "x-overflow",
        "x-queue-mode",
        "x-queue-version",
        "x-single-active-consumer",
        "x-queue-type",
        "x-queue-master-locator",
        "x-queue-leader-locator",
        "x-delivery-limit",
        "x-consumer-timeout",
        "x-durability",
        *_OF_DEDUPLICATION,
    ),
    consumer_arguments=("x-priority", "x-cancel-on-ha-failover", "x-consumer-timeout"),
    policy_scope="classic_queues",
    foreign_policy_keys=_OF_STREAMS
    | {"dead-letter-strategy", "delivery-limit", "target-group-size"},
)

QUORUM: Final = QueueKind(
    name="quorum",
    module="rabbit_quorum_queue",
    make_engine=partial(make_engine, QUORUM_RULES),
    make_mirrored=partial(make_mirrored, QUORUM_RULES),
    arguments=(
        "x-dead-letter-exchange",
        "x-dead-letter-routing-key",
        "x-dead-letter-strategy",
        "x-expires",
        "x-max-length",
        "x-max-length-bytes",
        "x-max-in-memory-length",
        "x-max-in-memory-bytes",
        "x-overflow",
        "x-single-active-consumer",
        "x-queue-type",
        "x-quorum-initial-group-size",
        "x-delivery-limit",
        "x-message-ttl",
        "x-queue-leader-locator",
        "x-consumer-timeout",
        "x-durability",
        *_OF_DEDUPLICATION,
    ),
    consumer_arguments=("x-priority", "x-consumer-timeout"),
    policy_scope="quorum_queues",
    foreign_policy_keys=_OF_STREAMS
    | {
        "queue-master-locator",
        "queue-mode",
        "ha-mode",
        "ha-params",
        "ha-sync-mode",
        "ha-sync-batch-size",
        "ha-promote-on-shutdown",
        "ha-promote-on-failure",
    },
    refusals={
        Request.AUTO_DELETE: refused_flag("auto-delete"),
        Request.EXCLUSIVE: refused_flag("exclusive-owner"),
        Request.TRANSIENT: refused_flag("non-durable"),
        Request.UNNAMED: refused_unnamed("rabbit_quorum_queue"),
        Request.GET: Refusal(
            RefusedAs.LOCKED,
            "cannot obtain access to locked {queue}. basic.get operations are not supported by"
            ' <<"quorum">> queues with single active consumer',
            with_single_active_only=True,
        ),
        Request.DELETE_IF_UNUSED: _refused_condition("if-unused"),
        Request.DELETE_IF_EMPTY: _refused_condition("if-empty"),
        Request.SHARED_PREFETCH: Refusal(
            RefusedAs.NOT_SUPPORTED, "{queue} does not support global qos"
        ),
    },
    heeds_shared_prefetch=False,
    # Source: RabbitMQ, quorum queues, poison message handling. A get always has the header.
    delivery_header=DeliveryHeader(
        "x-delivery-count", lambda batch: batch.delivery_count, omits_zero=True
    ),
    delivery_limit=20,
    # RabbitMQ warns that it does not have this behaviour, and drops from the head.
    missing_overflows=frozenset({Overflow.REJECT_PUBLISH_DLX}),
    policy_decides_overflow=True,
)

STREAM: Final = QueueKind(
    name="stream",
    module="rabbit_stream_queue",
    make_engine=StreamEngine,
    make_mirrored=MirroredStream,
    arguments=(
        "x-max-length-bytes",
        "x-queue-type",
        "x-max-age",
        "x-stream-max-segment-size-bytes",
        "x-stream-max-segment-age",
        "x-stream-filter-size-bytes",
        "x-stream-compact-key",
        "x-stream-compact-tombstone-age",
        "x-initial-cluster-size",
        "x-queue-leader-locator",
        "x-durability",
    ),
    consumer_arguments=STREAM_CONSUMER_ARGUMENTS,
    policy_scope="streams",
    foreign_policy_keys=frozenset(
        {
            "expires",
            "message-ttl",
            "dead-letter-exchange",
            "dead-letter-routing-key",
            "dead-letter-strategy",
            "max-length",
            "max-in-memory-length",
            "max-in-memory-bytes",
            "overflow",
            "queue-mode",
            "queue-version",
            "delivery-limit",
            "consumer-timeout",
            "queue-master-locator",
            "ha-mode",
            "ha-params",
            "ha-sync-mode",
            "ha-sync-batch-size",
            "ha-promote-on-shutdown",
            "ha-promote-on-failure",
            "target-group-size",
        }
    ),
    refusals={
        Request.AUTO_DELETE: refused_flag("auto-delete"),
        Request.EXCLUSIVE: refused_flag("exclusive-owner"),
        Request.TRANSIENT: refused_flag("non-durable"),
        Request.UNNAMED: refused_unnamed("rabbit_stream_queue"),
        Request.GET: Refusal(
            RefusedAs.NOT_SUPPORTED, "basic.get not supported by stream queues {queue}"
        ),
        Request.PURGE: Refusal(
            RefusedAs.NOT_SUPPORTED, "queue.purge not supported by stream queues {queue}"
        ),
        Request.NO_ACK: Refusal(
            RefusedAs.NOT_SUPPORTED, "automatic acknowledgement not supported by stream {queue}"
        ),
        Request.NO_PREFETCH: Refusal(
            RefusedAs.PRECONDITION, "consumer prefetch count is not set for stream {queue}"
        ),
        Request.SHARED_PREFETCH: Refusal(
            RefusedAs.NOT_SUPPORTED, "{queue} does not support global qos"
        ),
    },
    heeds_delete_conditions=False,
    heeds_shared_prefetch=False,
    policy_decides_retention=True,
    log_form=LogForm.STREAM,
)

KINDS: Final[dict[str, QueueKind]] = {kind.name: kind for kind in (CLASSIC, QUORUM, STREAM)}
"""The table, by name."""

DEFAULT_KIND: Final = CLASSIC
"""The kind of a queue whose declare names none."""

AnyLog: TypeAlias = QueueLog | StreamLog

MEMORY_LOGS: Final[Mapping[LogForm, Callable[[Callable[[], int]], AnyLog]]] = {
    LogForm.QUEUE: lambda _wall_offset_ms: MemoryLog(),
    LogForm.STREAM: MemoryStreamLog,
}
"""Makes a log that no restart survives, by form.

Each is given what returns the number that turns an instant into ms since 1970, by addition.
"""

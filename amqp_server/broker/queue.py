"""A queue as it was declared, and the engine of its kind that runs it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, cast

from amqp_server.broker.arguments.declare import QueueProperties, refused
from amqp_server.broker.definitions.definition import QueueDefinition
from amqp_server.broker.names import queue_text
from amqp_server.broker.steps import Steps
from amqp_server.broker.tracing.traced import Actor
from persistence.log_form import LogForm
from queues.asked_port import AskedQueue
from queues.commits import later_of
from queues.consumer_port import ConsumerHandle
from queues.kinds import MEMORY_LOGS, AnyLog, QueueKind, Request
from queues.options import QueueOptions
from queues.outcomes import PurgeOutcome
from queues.ports import EmptiedQueue, EngineParts, QueueEngine
from queues.stream_port import StreamQueue

NOBODY: Final = object()
"""A connection that owns no queue, so exclusive queues refuse it."""


class QueueIdentity(NamedTuple):
    """The identity of a queue, for the log that keeps its messages.

    Attributes:
        queue_id: never another queue's, now or later; 0 is of a queue that no restart survives.
        kind, options: at present; a policy may change the options.
        stored_id: its id in the metadata store of a cluster; empty where it is not there.
    """

    vhost_name: str
    name: str
    queue_id: int
    kind: QueueKind
    options: QueueOptions
    stored_id: str = ""


LogFactory: TypeAlias = Callable[[QueueIdentity], AnyLog]
"""Returns the log of a queue that is declared, or was stored and comes back.

It has the form that the queue's kind asks for.
"""


EngineFactory: TypeAlias = Callable[[QueueIdentity, EngineParts[Any]], QueueEngine]
"""Returns the engine of a new queue. In a cluster it may be the front half of a mirrored one."""


def local_engine(queue: QueueIdentity, parts: EngineParts[Any]) -> QueueEngine:
    """Return the engine of a queue that is on this node alone."""
    return queue.kind.make_engine(parts)


def memory_log(queue: QueueIdentity, wall_offset_ms: Callable[[], int] = lambda: 0) -> AnyLog:
    """Return a log that no restart survives.

    Args:
        queue: whose log it is.
        wall_offset_ms: returns the number that turns an instant into ms since 1970.
    """
    return MEMORY_LOGS[queue.kind.log_form](wall_offset_ms)


def queue_definition(
    name: str, vhost_name: str, properties: QueueProperties, queue_id: int
) -> QueueDefinition:
    """Return a queue as what is stored of it."""
    return QueueDefinition(
        name,
        vhost_name,
        properties.durable,
        properties.auto_delete,
        properties.arguments,
        queue_id,
    )


class Consumer(ConsumerHandle, Protocol):
    """A consumer, as the broker knows it beyond what the queue asks of it.

    Attributes:
        consumer_tag: its name on its channel.
        is_cancelled: it gets no more messages.
    """

    consumer_tag: str
    is_cancelled: bool

    @property
    def actor(self) -> Actor:
        """Whose it is, and on which channel."""

    def queue_deleted(self) -> None:
        """Hear that the queue is gone: nothing more will come."""

    def look_at_tracing(self) -> None:
        """Hear that the tracing of its vhost was switched on or off."""


class Watcher(Protocol):
    """One who uses a queue without a consumer, and must know when it ends."""

    def queue_deleted(self, queue: "Queue") -> None:
        """Hear that the queue is gone."""

    def queue_led_elsewhere(self, queue: "Queue") -> None:
        """Hear that the engine that this node had of it is none any more; it may have another."""

    def queue_led_here(self, queue: "Queue") -> None:
        """Hear that this node leads a stream now, of which it had a mirror that was read."""


@dataclass(slots=True, eq=False)
class Queue:
    """A queue as declared, and the engine that runs it.

    Attributes:
        owner: the connection an exclusive queue belongs to; None is not exclusive.
        queue_id, stored_id: see ``QueueIdentity``; 0 is not stored.
        consumers: are told when the queue ends.
        watchers: are told too.
        is_deleted: the engine must not be used any more.
        is_paused: its consumers get nothing, and basic.get finds it empty.
        asked: the engine as one that may be led on another node; None where it never is.
    """

    name: str
    vhost_name: str
    kind: QueueKind
    properties: QueueProperties
    owner: object | None
    engine: QueueEngine
    queue_id: int = 0
    stored_id: str = ""
    consumers: dict[Consumer, None] = field(default_factory=dict)
    watchers: dict[Watcher, None] = field(default_factory=dict)
    is_deleted: bool = False
    is_paused: bool = False
    asked: AskedQueue | None = None

    @property
    def asked_elsewhere(self) -> AskedQueue | None:
        """Whom to ask for answers that come later; None where the engine has them at once."""
        asked = self.asked
        return None if asked is None or asked.answers_at_once else asked

    @property
    def asked_for_messages(self) -> AskedQueue | None:
        """Whom to ask to get or purge; None where the engine does it at once.

        Also where it is led here, while nothing may be delivered: it is not empty by that.
        """
        asked = self.asked
        return None if asked is None or asked.gives_at_once else asked

    @property
    def is_ended_by_store(self) -> bool:
        """Whether the store of a cluster deletes it when its last consumer goes."""
        return self.properties.auto_delete and self.stored_id != ""

    @property
    def text(self) -> str:
        """``queue 'q' in vhost '/'``, as texts have it."""
        return queue_text(self.vhost_name, self.name)

    @property
    def stream(self) -> StreamQueue | None:
        """The engine as the stream protocol knows it; None where it is no stream.

        None also of a mirrored stream that another node leads, or nobody.
        """
        if self.kind.log_form is not LogForm.STREAM:
            return None
        engine = self.engine if self.asked is None else self.asked.here
        return None if engine is None else cast("StreamQueue", engine)

    @property
    def stream_to_read(self) -> StreamQueue | None:
        """The engine at which the stream protocol may read; None where it is no stream.

        None also of a mirrored stream of which this node has no replica that is read.
        """
        if self.kind.log_form is not LogForm.STREAM:
            return None
        engine = self.engine if self.asked is None else self.asked.engine_to_read()
        return None if engine is None else cast("StreamQueue", engine)

    @property
    def definition(self) -> QueueDefinition:
        """The queue as what is stored of it."""
        stored = queue_definition(self.name, self.vhost_name, self.properties, self.queue_id)
        return replace(stored, is_paused=self.is_paused)

    @property
    def emptied(self) -> EmptiedQueue | None:
        """The engine as one that can be paused; None where it is a stream."""
        is_stream = self.kind.log_form is LogForm.STREAM
        return None if is_stream else cast("EmptiedQueue", self.engine)

    @property
    def is_stream(self) -> bool:
        """Whether it is a stream, wherever it is led."""
        return self.kind.log_form is LogForm.STREAM

    def check_granted(self, request: Request) -> None:
        """Refuse a request that queues of this kind do not grant.

        Raises:
            BrokerError: they do not grant it; the row of the kind says which error it is.
        """
        refusal = self.kind.refusal(request, self.engine.options)
        if refusal is not None:
            raise refused(refusal, self.name, self.vhost_name)


def purging(queue: Queue) -> Steps[PurgeOutcome]:
    """Drop all ready messages; if this takes long, also messages that arrive meanwhile."""
    count, safe_at = queue.engine.purge()
    while queue.engine.ready_count:
        some_count, some_safe_at = queue.engine.purge()
        if not some_count:
            break
        count += some_count
        safe_at = later_of(safe_at, some_safe_at)
        yield
    return PurgeOutcome(count, safe_at)

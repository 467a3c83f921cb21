"""The commands on jobs: messages of a queue are moved or copied while nobody waits for it."""

from collections.abc import Callable
from typing import NamedTuple

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.asking import require_messages_here
from amqp_server.broker.broker import Broker
from amqp_server.broker.errors import (
    AccessRefusedError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
)
from amqp_server.broker.jobs.move import Move, MoveJob
from amqp_server.broker.messages.message_filter import MessageFilter
from amqp_server.broker.queue import NOBODY, Queue
from amqp_server.broker.request_rights import asker_of
from amqp_server.broker.steps import Steps
from amqp_server.broker.vhost import Vhost
from persistence.log_form import LogForm


class JobView(NamedTuple):
    """A job; see ``broker.jobs.move.Move``.

    Attributes:
        state: ``running``, ``paused``, ``done``, ``failed`` or ``cancelled``.
        username: who began it; None is who runs the node.
        begun_at_ms: in ms since 1970.
    """

    number: int
    vhost: str
    source: str
    dest: str | None
    username: str | None
    copies: bool
    state: str
    error: str
    total: int
    moved: int
    skipped: int
    unmatched: int
    rate: int | None
    begun_at_ms: int


class JobCommands:
    """The commands on jobs; see ``broker.admin``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def move(
        self,
        now_ms: int,
        vhost: str,
        name: str,
        *,
        username: str | None,
        dest: str | None,
        count: int | None,
        matching: MessageFilter,
        rate: int | None,
        copies: bool,
        wake: Callable[[], None],
    ) -> Steps[JobView]:
        """Begin to move messages, and return the job; the rights are those of a client.

        Args:
            now_ms: the time.
            vhost: of both queues.
            name: of the queue.
            username: who asks; None is who runs the node.
            dest: the other queue; None is for each message the one in which it died first.
            count: how many messages to go through; None is all that are ready now.
            matching: which messages to move or copy.
            rate: how many a second, at most; None is without a limit.
            copies: whether they stay in the queue too.
            wake: has the loop make a turn.

        Raises:
            NotFoundError, AccessRefusedError, ResourceLockedError: of a queue, or of its vhost.
            PreconditionFailedError: both queues are the same one.
            NotSupportedError: see ``_source``.
            NodeLimitError: too many jobs go on.
            UnreadableError: another node leads the queue.
        """
        yield from ()
        broker, found = self._broker, self._broker.vhost(vhost)
        asker = asker_of(broker.users, username, found)
        asker.require(Permission.READ, "queue", name)
        asker.require(Permission.WRITE, "exchange", "")
        queue = _source(found, name, dest, copies=copies)
        require_messages_here(queue)
        ready_count, cluster = queue.engine.ready_count, broker.cluster
        move = Move(
            broker.jobs.next_number(0 if cluster is None else cluster.view().incarnation),
            vhost,
            name,
            dest,
            username,
            broker.wall_ms(now_ms),
            ready_count if count is None else min(count, ready_count),
            copies,
            matching,
            rate,
        )
        job = MoveJob(move, queue, found.publisher, broker.turn, self._refusal, wake)
        broker.jobs.add(move)
        broker.turn.later(job)
        return view_of(move)

    def list_jobs(self, now_ms: int, *, username: str | None) -> Steps[tuple[JobView, ...]]:  # noqa: ARG002
        """Return the jobs of a user, None is everyone, in the order in which they began."""
        yield from ()
        return tuple(
            [view_of(job) for job in self._broker.jobs if username in {None, job.username}]
        )

    def cancel_job(self, now_ms: int, number: int, *, username: str | None) -> Steps[None]:  # noqa: ARG002
        """Have a job end before its next piece.

        Args:
            now_ms: the time.
            number: of the job.
            username: who asks, and must have begun it; None is one who may end all.

        Raises:
            NotFoundError: there is none.
            AccessRefusedError: somebody else began it.
        """
        yield from ()
        self._job(number, username)
        self._broker.jobs.cancel(number)

    def pause_job(
        self,
        now_ms: int,  # noqa: ARG002
        number: int,
        *,
        username: str | None,
        is_on: bool,
    ) -> Steps[JobView]:
        """Have a job stand still before its next piece, or go on; return it.

        Args:
            now_ms: the time.
            number: of the job.
            username: as in ``cancel_job``.
            is_on: whether it stands still.

        Raises:
            NotFoundError, AccessRefusedError: as in ``cancel_job``.
            PreconditionFailedError: it is over.
        """
        yield from ()
        job = self._job(number, username)
        if job.is_over:
            raise PreconditionFailedError(f"job {number} is {job.state.value} already")
        if is_on:
            job.pause()
        else:
            job.resume()
        return view_of(job)

    def _job(self, number: int, username: str | None) -> Move:
        job = self._broker.jobs.find(number)
        if job is None:
            raise NotFoundError(f"no job {number}")
        if username not in {None, job.username}:
            raise AccessRefusedError(f"job {number} is another user's")
        return job

    def _refusal(self) -> str:
        """Return why nothing may be published now; empty is that it may."""
        alarms = self._broker.alarms
        self._broker.congestion.excuse()
        return alarms.reason if alarms.is_on else ""


def _source(vhost: Vhost, name: str, dest: str | None, *, copies: bool) -> Queue:
    """Return the queue that messages are taken out of, or copied from.

    Raises:
        NotFoundError, ResourceLockedError: of one of the queues.
        PreconditionFailedError: both are the same one.
        NotSupportedError: messages cannot be taken out of a stream.
    """
    queue = vhost.queues.get(name, NOBODY)
    if dest is not None:
        vhost.queues.get(dest, NOBODY)
    if dest == name:
        raise PreconditionFailedError("the messages are in this queue already")
    if copies:
        return queue
    if queue.kind.log_form is LogForm.STREAM:
        raise NotSupportedError(f"{queue.text} is a stream: its messages can only be copied")
    return queue


def view_of(move: Move) -> JobView:
    """Return a job as it is now."""
    return JobView(
        move.number,
        move.vhost,
        move.source,
        move.dest,
        move.username,
        move.copies,
        move.state.value,
        move.error,
        move.total,
        move.moved,
        move.skipped,
        move.unmatched,
        move.rate,
        move.begun_at_ms,
    )

"""Where the messages of one ``x-delayed-message`` exchange wait, and how they come out.

    publish ─▶ exchange ─▶ WaitingRoom ─▶ log          confirmed when it is on the disk
                               │ due, in pieces within the budget of the turn
                               └─▶ the exchange's other type ─▶ queues, then settled

Copies come before settlements, as for all that the broker moves (ADR 18): a crash leaves a message
here, in its queues, or in both. A message that has no route when it is due is gone, and so is one
that a queue refuses.

Source: ADR 39; RabbitMQ's community plugin rabbitmq_delayed_message_exchange, which confirms
before messages are on the disk, and returns mandatory ones that wait.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from amqp_server.broker.congestion import Congestion
from amqp_server.broker.keepers.due_publisher import DuePublisher
from amqp_server.broker.messages.delay import as_waiting
from amqp_server.broker.steps import Steps
from amqp_server.broker.turn import Turn
from persistence.record import Record, Run, header_stretches
from queues.commits import is_ordered_by, wait_for
from queues.delayed.waiting import PIECE_MAX, Due, WaitingMessages
from queues.log_port import RecoveredMessages
from queues.outcomes import PublishOutcome, all_taken


class WaitingRoom:
    """A ``PublishTarget``, and a ``Drainable`` of the turn.

    Attributes:
        exchange_name: of its exchange.
        queue_id: under which its log is kept; 0 is not stored.
        queue_name: empty, as no queue is behind it.
        messages: that wait.
    """

    keeps_transient: Final = False
    queue_name: Final = ""

    def __init__(
        self,
        exchange_name: str,
        queue_id: int,
        messages: WaitingMessages,
        turn: Turn,
        publisher: DuePublisher,
        congestion: Congestion,
    ) -> None:
        """Begin with the messages that wait already.

        Args:
            exchange_name: of its exchange.
            queue_id: see the attribute.
            messages: of this exchange alone.
            turn: the broker's.
            publisher: of this exchange.
            congestion: the broker's; what comes out lets no client wait.
        """
        self.exchange_name = exchange_name
        self.queue_id = queue_id
        self.messages = messages
        self._turn = turn
        self._publisher = publisher
        self._congestion = congestion
        self._moving: Steps[None] | None = None
        self._is_closed = False

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:
        """Take the messages that a restart found; must be the first call."""
        self.messages.recover(found, now_ms)
        self._turn.mark_dirty(self)

    # -- in -----------------------------------------------------------------------------------

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Let a run wait; every message of it has a delay."""
        return self.publish_to_keys(run, (), now_ms)

    def publish_to_keys(self, run: Run, keys: Sequence[str], now_ms: int) -> PublishOutcome:
        """Let a run wait that is routed by several keys when it is due; none is its routing key."""
        waiting: list[Record] = []
        due_ms: list[int] = []
        for start, stop in header_stretches(run):
            header, delay = as_waiting(run[start].header, keys)
            waiting += [record._replace(header=header) for record in run[start:stop]]
            due_ms += [now_ms + delay] * (stop - start)
        lsn = self.messages.add(waiting, due_ms, now_ms)
        self._turn.mark_dirty(self)
        return all_taken(self.messages.log.commit_group, lsn)

    def publishing(
        self,
        run: Run,
        keys: Sequence[str],
        now_ms: int,
        passed: frozenset[object] = frozenset(),  # noqa: ARG002 - the port's name
    ) -> Steps[PublishOutcome]:
        """Do the same in one step."""
        yield
        return self.publish_to_keys(run, keys, now_ms)

    def only_appends(self, run: Run, now_ms: int) -> bool:  # noqa: ARG002 - the port's names
        """Return False, because each message has a delay of its own."""
        return False

    # -- a look -------------------------------------------------------------------------------

    def count(self) -> int:
        """Return how many messages wait."""
        return self.messages.count

    @property
    def waiting_here(self) -> WaitingMessages:
        """The messages."""
        return self.messages

    # -- the turn -----------------------------------------------------------------------------

    def next_deadline_ms(self) -> int | None:
        """Return when the next message is due, or comes nearer; None while none waits."""
        return None if self._is_closed else self.messages.next_deadline_ms()

    def expire(self, now_ms: int) -> None:
        """Do nothing: a drain follows."""

    def drain(self, now_ms: int, max_messages: int) -> bool:
        """Move what is due, within the budget of the turn; return whether more is due."""
        is_more = self._moving_what_is_due(now_ms, max_messages)
        # No client waits for room in a queue that messages fill whose time has come.
        self._congestion.excuse()
        return is_more

    def _moving_what_is_due(self, now_ms: int, max_messages: int) -> bool:
        is_spent = self._turn.budget.is_spent
        left_count = max_messages
        while not self._is_closed:
            if self._moving is None:
                if not self.messages.has_due(now_ms):
                    return False
                if left_count <= 0:
                    return True
                left_count -= PIECE_MAX
                due = self.messages.step(now_ms)
                self._moving = None if due is None else self._moving_out(due, now_ms)
            elif next(self._moving, _OVER) is _OVER:
                self._moving = None
            if is_spent():
                return True
        return False

    @property
    def has_lone_readers(self) -> bool:
        """Whether somebody reads here who is to be served alone: nobody reads here."""
        return False

    def close(self) -> None:
        """Forget everything, because the exchange and its definition are gone."""
        self._is_closed = True
        self._turn.forget(self)
        self.messages.log.drop()
        self.messages.drop_all()

    # -- out ----------------------------------------------------------------------------------

    def _moving_out(self, due: Due, now_ms: int) -> Steps[None]:
        """Publish messages whose time has come, then settle them."""
        safe_at = yield from self._publisher.publishing(due.records, now_ms)
        if self._is_closed:
            return
        if is_ordered_by(self.messages.log.commit_group, safe_at):
            self.messages.settle(due)
        else:
            wait_for(safe_at, partial(self._settle, due))

    def _settle(self, due: Due) -> None:
        if not self._is_closed:
            self.messages.settle(due)


_OVER: Final = object()

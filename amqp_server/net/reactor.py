"""The shared parts of one loop: the read rounds, the deadlines, and the turn.

A *turn* is the work after one read, several small reads, or one deadline:

    bytes in → connection.receive_data → broker.end_turn → one write per connection with output

``end_turn`` drains the queues that became dirty into their consumers' connections, so output
arises on other connections than the one that was read. Each of them reports itself once
(``mark``), and is flushed once; the last of very many in a later turn (``net.turn_writes``). Output
that arises outside of a turn (a commit on disk, a request of the management API) asks for a turn of
its own.

A requested turn runs before the loop looks at the sockets again, with a budget of its own. Only
such a turn carries jobs on. From the request on, all reads share one budget. If one client used all
of it, the clients read after it do only the necessary work, and leave the rest.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from amqp_server.broker.budget import TurnBudget
from amqp_server.net.busy_poll import BusyPoll
from amqp_server.net.gathering import Gathering
from amqp_server.net.hang_ups import HangUps
from amqp_server.net.read_rounds import ReadRounds
from amqp_server.net.timers import Deadlines, NowMs, now_ms
from amqp_server.net.turn_writes import WRITTEN_AT_ONCE_MAX, Output, TurnWrites

log = logging.getLogger(__name__)


class Broker(Protocol):
    """The port that a turn needs of the broker."""

    def begin_turn(self) -> None:
        """Give the new turn its full time."""

    def end_turn(self, now_ms: int, *, carries_on: bool) -> bool:
        """Drain dirty queues into consumers' connections.

        Args:
            now_ms: the time.
            carries_on: also continue jobs of many turns.

        Returns:
            Whether more is ready than one turn may deliver.
        """

    def woken_by(self, wake: Callable[[], None]) -> None:
        """Call this, for a turn, when something comes that work has waited for."""

    def next_deadline_ms(self) -> int | None:
        """Return when ``on_deadline`` is due next (instant); None is never."""

    def on_deadline(self, now_ms: int) -> None:
        """Do the timed work of queues: expire messages, delete unused queues."""


class Reactor:
    """The turn of one loop.

    Attributes:
        deadlines: of everything in this loop.
        rounds: the order of reads, and the buffer for every connection's bytes.
        hang_ups: notices peers that go while they are not read.

    Invariant: no turn begins while one runs; after a turn with work left over another is due.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        broker: Broker,
        *,
        read_buffer_bytes: int,
        busy_poll_us: int = 0,
        clock: NowMs = now_ms,
        write_budget: TurnBudget | None = None,
        before_drain: Callable[[], None] | None = None,
        after_turn: Callable[[], None] | None = None,
    ) -> None:
        """Set up a loop's shared parts.

        Args:
            loop: the loop that everything here runs in.
            broker: its queues are drained.
            read_buffer_bytes: largest read; it also bounds a batch of publishes.
            busy_poll_us: how long the loop polls for more input before it sleeps, in us; 0 is off.
            clock: monotonic, in ms.
            write_budget: see ``TurnWrites``.
            before_drain: called when the turn's input was carried out, before the queues are
                drained; None calls nothing.
            after_turn: called when a turn's output was written; None calls nothing.
        """
        self._loop = loop
        self._before_drain = _nothing if before_drain is None else before_drain
        self._after_turn = _nothing if after_turn is None else after_turn
        self._begin_turn = broker.begin_turn
        self._end_turn = broker.end_turn
        self._now_ms = clock
        self._gathering = Gathering()
        self._busy_poll = BusyPoll(loop, busy_poll_us)
        self._writes = TurnWrites(write_budget)
        self._is_in_turn = False
        self._is_turn_requested = False
        self.rounds = ReadRounds(loop, read_buffer_bytes)
        self.hang_ups = HangUps(loop)
        self.deadlines = Deadlines(loop, clock)
        broker.woken_by(self.request_turn)
        self._broker_deadline_ms = broker.next_deadline_ms
        self._broker_watch = self.deadlines.watch(_BrokerDeadlines(self, broker))

    @property
    def is_in_turn(self) -> bool:
        """Whether a turn runs, so that what becomes dirty now is drained at its end."""
        return self._is_in_turn

    def now_ms(self) -> int:
        """Return the monotonic clock, in ms."""
        return self._now_ms()

    def mark(self, output: Output) -> None:
        """Flush this at the end of the turn; the caller marks itself once until it is flushed."""
        self._writes.marked.append(output)
        if not self._is_in_turn:
            self.request_turn()

    def note_far_work(self) -> None:
        """Note that something of this turn goes on to other nodes; see ``ReadRounds.is_far``."""
        self.rounds.is_far = True

    def request_turn(self) -> None:
        """Run one turn soon, after the loop's ready callbacks, for any number of requests."""
        if not self._is_turn_requested:
            self._is_turn_requested = True
            self._begin_turn()
            self._loop.call_soon(self._run_requested_turn)

    def begin_turn(self) -> int:
        """Begin a turn and return the time; later marks wait for ``finish_turn``."""
        assert not self._is_in_turn, "while a turn runs none begins"
        self._is_in_turn = True
        if not self._is_turn_requested:
            self._begin_turn()
        return self._now_ms()

    def finish_input(self, nbytes: int, now_ms: int) -> None:
        """Finish the turn of a read; a small read waits for the other ready sockets.

        Args:
            nbytes: how much was read.
            now_ms: the time from ``begin_turn``.
        """
        gathering = self._gathering
        if gathering.turns_at_once:
            gathering.turns_at_once -= 1
        elif gathering.waits(nbytes):
            self._is_in_turn = False
            self.request_turn()
            return
        self.finish_turn(now_ms)

    def finish_turn(self, now_ms: int, *, carries_on: bool = False) -> None:
        """Drain the queues, then write each connection's output. Never raises.

        Args:
            now_ms: the time from ``begin_turn``.
            carries_on: also continue jobs of many turns; no answer waits for them.
        """
        self._before_drain()
        try:
            is_more_ready = self._end_turn(now_ms, carries_on=carries_on)
        except Exception:
            log.exception("draining the queues failed")
            is_more_ready = False
        writes = self._writes
        if writes.left_over or len(writes.marked) > WRITTEN_AT_ONCE_MAX:
            writes.flush(now_ms, carries_on=carries_on)
        elif writes.marked:
            # As ``flush`` does it; a call of it is one per cent of a lone message.
            marked, writes.marked = writes.marked, []
            for output in marked:
                output.flush(now_ms)
        self._is_in_turn = False
        self._after_turn()
        due_ms = self._broker_deadline_ms()
        if due_ms is not None and due_ms != self._broker_watch.due_ms:
            self.deadlines.refresh(self._broker_watch)
        if self._gathering.is_waiting:
            self._gathering.turned()
        busy_poll = self._busy_poll
        busy_poll.turns_count += 1
        if busy_poll.is_over:
            busy_poll.begin()
        if is_more_ready or writes.marked or writes.left_over:
            self.request_turn()

    def resume(self) -> None:
        """Run a requested turn at once, after the loop itself waited for something.

        The caller is a callback of the loop's, and no turn runs. The moment in which the loop stays
        awake begins again.
        """
        if self._is_turn_requested:
            self._run_requested_turn()
        self._busy_poll.resume()

    def close(self) -> None:
        """Stop the timers; call it when no connection is left."""
        self.deadlines.close()
        self.hang_ups.close()

    def _run_requested_turn(self) -> None:
        if self._is_turn_requested:  # ``resume`` may have run it.
            self._is_turn_requested = False
            self.finish_turn(self.begin_turn(), carries_on=True)


class _BrokerDeadlines:
    """The broker's deadlines; their effects are delivered in a turn."""

    def __init__(self, reactor: Reactor, broker: Broker) -> None:
        self._reactor = reactor
        self._broker = broker
        self.next_deadline_ms = broker.next_deadline_ms

    def on_deadline(self, now_ms: int) -> None:
        self._reactor.request_turn()
        self._broker.begin_turn()
        self._broker.on_deadline(now_ms)


def _nothing() -> None:
    pass

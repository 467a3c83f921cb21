"""The last messages of an ``x-recent-history`` exchange, in memory; a new binding gets them.

    publish ─▶ exchange ─┬─▶ its queues
                         └─▶ History: the last n; older ones leave
    bind ◀── oldest first ────┘

Source: RabbitMQ, rabbitmq_recent_history_exchange: each new binding gets all that is remembered,
also one of a queue that is bound already. There nothing of it survives a restart either. RabbitMQ
has no limit but the length; an exchange bound to it gets the messages newest first, and a bind
fails where that exchange leads to no queue.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from amqp_server.broker.steps import Steps
from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import plain_headers
from exchanges.counters import ExchangeCounters
from persistence.record import Run, detached, header_stretches, memory_bytes
from queues.commits import SAFE_NOW
from queues.memory import MemoryRules
from queues.outcomes import PublishOutcome
from queues.tail import QueueMemory

MESSAGES_MAX: Final = 10_000
"""An exchange remembers no more, whatever its length: a bind takes this many in one turn."""

BYTES_MAX: Final = 16 << 20
"""Nor messages of more octets than this; one larger message is remembered alone."""

SHORT_BYTES_MAX: Final = 1 << 20
"""The same while the node is short of memory."""

NO_STORE: Final = "x-recent-history-no-store"
_NO_STORE_OCTETS: Final = NO_STORE.encode()


class History:
    """A ``PublishTarget`` that remembers.

    Attributes:
        count: how many messages it has.
    """

    keeps_transient: Final = False

    def __init__(
        self,
        length: int,
        memory: MemoryRules,
        counters_of: Callable[[str], ExchangeCounters],
        has_bindings: Callable[[], bool],
    ) -> None:
        """Remember nothing yet.

        Args:
            length: how many messages to remember; ``MESSAGES_MAX`` at most are.
            memory: the node's; what is remembered counts as ready messages do.
            counters_of: the counters of an exchange.
            has_bindings: whether anything is bound to the exchange.
        """
        self._length = min(length, MESSAGES_MAX)
        self._memory: QueueMemory = memory.of_queue(spills_early=False)
        self._counters_of = counters_of
        self._has_bindings = has_bindings
        self._runs: deque[Run] = deque()
        self.count = 0

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:  # noqa: ARG002 - the port's name
        """Remember a run.

        Returns:
            That it reached no queue, which counts where nothing else got it.
        """
        for start, stop in _stored_stretches(run):
            # No more than the last are kept, and in memory of their own: the run is a view of what
            # one read brought.
            self._add(detached(run[max(start, stop - self._length) : stop]))
        self._shorten()
        # The publish counts one copy for each target, and this is no queue.
        counters = self._counters_of(run[0].exchange)
        if self._has_bindings():
            counters.more_copies_count -= len(run)
        else:
            counters.unroutable_count += len(run)
        return PublishOutcome((), SAFE_NOW, range(len(run)))

    def publish_to_keys(self, run: Run, _keys: Sequence[str], now_ms: int) -> PublishOutcome:
        """Remember a run; whoever gets it later gets it by its routing key."""
        return self.publish(run, now_ms)

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
        """Return False, because it says that a message reached no queue."""
        return False

    def remembered(self) -> list[Run]:
        """Return what is remembered, oldest first."""
        return [*self._runs]

    def forget(self) -> None:
        """Forget everything, because the exchange is gone."""
        while self._runs:
            self._drop_first()

    def _add(self, run: Run) -> None:
        self._runs.append(run)
        self.count += len(run)
        self._memory.add(memory_bytes(run))

    def _shorten(self) -> None:
        memory = self._memory
        while self.count > self._length:
            excess_count = self.count - self._length
            if len(self._runs[0]) <= excess_count:
                self._drop_first()
            else:
                rest = detached(self._runs[0][excess_count:])
                self._drop_first()
                self._runs.appendleft(rest)
                self.count += len(rest)
                memory.add(memory_bytes(rest))
        bytes_max = SHORT_BYTES_MAX if memory.node.is_short else BYTES_MAX
        while memory.used_bytes > bytes_max and len(self._runs) > 1:
            self._drop_first()
        while memory.used_bytes > bytes_max and self.count > 1:
            self._halve_first()

    def _halve_first(self) -> None:
        rest = detached(self._runs[0][(self.count + 1) // 2 :])
        self._drop_first()
        self._add(rest)

    def _drop_first(self) -> None:
        run = self._runs.popleft()
        self.count -= len(run)
        self._memory.add(-memory_bytes(run))


def _stored_stretches(run: Run) -> list[tuple[int, int]]:
    """Return (start, stop) of the stretches of messages that are to be remembered."""
    return [
        (start, stop) for start, stop in header_stretches(run) if not _forbids(run[start].header)
    ]


def _forbids(header: bytes) -> bool:
    """Return whether a message must not be remembered: the header is the boolean true."""
    if _NO_STORE_OCTETS not in header:
        return False
    try:
        return (plain_headers(header) or {}).get(NO_STORE) is True
    except WireError:
        return False

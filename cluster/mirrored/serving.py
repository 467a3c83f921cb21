"""Queues that this node begins to lead: their messages are found, and handed to the broker.

A queue whose messages cannot be read waits, and all others go on: for a shortage to pass, or for
another node to lead it.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from cluster.mirrored.damages import Damages
from cluster.replication.core import ReplicationCore
from cluster.replication.inputs import Compact
from cluster.replication.leadership import Leadership
from persistence.errors import DamagedError
from persistence.queue_recovery import RecoveredQueue, found_in
from persistence.replicas.log import ReplicaLog

log = logging.getLogger(__name__)

AGAIN_MS: Final = 1_000
"""A queue that could not be read is tried again so much later."""

Serve: TypeAlias = Callable[[str, Leadership, RecoveredQueue], None]


class Serving:
    """The queues that this node has begun to lead and that the broker does not have yet.

    Args:
        core: of this node.
        replicas: what it has of each queue.
        damages: takes what cannot be read.
        serve: hands a queue to the broker.

    Attributes:
        begun: queues with which there is something to do; without any ``go_on`` need not be called.
    """

    def __init__(
        self,
        core: ReplicationCore,
        replicas: Mapping[str, ReplicaLog],
        damages: Damages,
        serve: Serve,
    ) -> None:
        self._core = core
        self._replicas = replicas
        self._damages = damages
        self._serve = serve
        self.begun: dict[str, None] = {}
        self._refused: dict[str, int] = {}

    def begin(self, queue: str) -> None:
        """This node leads a queue."""
        self.begun[queue] = None

    def forget(self, queue: str) -> None:
        """It does not, or not any more."""
        self.begun.pop(queue, None)
        self._refused.pop(queue, None)

    def tick(self) -> None:
        """Try again what was refused a while ago."""
        while self._refused:
            queue, refused_at_ms = next(iter(self._refused.items()))
            if self._core.node.now_ms - refused_at_ms < AGAIN_MS:
                return
            del self._refused[queue]
            self.begun[queue] = None

    def go_on(self) -> bool:
        """Do something for one queue; return whether there was one."""
        for queue in self.begun:
            self._go_on_with(queue)
            return True
        return False

    def _go_on_with(self, queue: str) -> None:
        """Hand a queue over, once its messages are those of the log's end.

        All that the log has is committed then: nothing was admitted since the epoch's start.
        """
        lead, replica = self._core.lead_of(queue), self._replicas[queue]
        if lead is None:
            del self.begun[queue]
        elif replica.base < lead.commit:
            self._core.step(Compact(queue, lead.commit))
        else:
            del self.begun[queue]
            found = self._found(queue, replica)
            if found is None:
                self._refused[queue] = self._core.node.now_ms
            else:
                self._serve(queue, lead, found)

    def _found(self, queue: str, replica: ReplicaLog) -> RecoveredQueue | None:
        """Return the messages; None where some of them cannot be read here."""
        keeps_damaged = not self._damages.is_alone(queue)
        try:
            return found_in(
                replica.messages,
                was_clean=False,
                lost_count=0,
                keeps_transient=True,
                keeps_damaged=keeps_damaged,
            )
        except DamagedError as error:
            self._damages.note(queue, error)
        except OSError as error:
            log.warning("queue %s waits for its messages, which cannot be read: %s", queue, error)
        return None

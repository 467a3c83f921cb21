"""What the shell of a core needs: room on links, and whoever takes what it hands on."""

from typing import Protocol

from cluster.mirrored.log import MirroredLog
from cluster.replication.ready import Ready, StateTransaction
from persistence.queue_recovery import RecoveredQueue


class LinkRoom(Protocol):
    """How much the links to mirrors take; ``cluster.links.table.LinkTable``."""

    def takes_catch_up(self, mirror: str) -> bool:
        """Return whether more may be read for what a mirror lacks."""

    def takes_notes(self, mirror: str) -> bool:
        """Return whether a note may be put on the link to a mirror."""


class Surroundings(Protocol):
    """What a node hands on: to its links, to the metadata store, to its broker."""

    def route(self, ready: Ready) -> None:
        """Let the frames leave, in their order; see ``cluster.links.table``."""

    def submit(self, transaction: StateTransaction) -> None:
        """Submit a transaction to the metadata store; its outcome is an input."""

    def read_state(self, queue: str) -> None:
        """Read a queue's state from the store; it is an input."""

    def serve(self, queue: str, log: MirroredLog, found: RecoveredQueue) -> None:
        """This node leads a queue from now on, with these messages, all ready and redelivered."""

    def stop(self, queue: str) -> None:
        """This node does not lead a queue any more; what waits for its confirms was told."""

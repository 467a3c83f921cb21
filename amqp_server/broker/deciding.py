"""The port to whoever decides definitions in a cluster: the metadata store, and its desk.

A node by itself has none: its tables decide.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from amqp_server.broker.awaited import Awaited
from cluster.definitions.inquiry import Inquiry

T = TypeVar("T")


class Deciding(Protocol):
    """Asks the metadata store, beside the turns; ``amqp_server.deciding_desk`` implements it.

    What is awaited fails with a ``MetadataError`` where the store does not answer in time.
    """

    def ask(self, inquiry: Inquiry[T]) -> Awaited[T]:
        """Run an inquiry to its end, whether or not anybody waits for it any more."""

    def told(self, revision: int) -> Awaited[None]:
        """Wait until the tables of this node have all changes up to a revision."""

    def read_through(self, key: bytes) -> Awaited[None]:
        """Read a key as it is now, and wait until the tables have that."""

    def pause(self) -> Awaited[None]:
        """Wait a while, before something is asked once more."""

    def patience(self) -> Callable[[], bool]:
        """Return what says from now on whether a client has waited long for others that ask."""

"""A desk that nobody may ask, and one whose answers a test gives."""

from collections.abc import Callable
from typing import TypeVar

from amqp_server.broker.awaited import Awaited
from cluster.definitions.inquiry import Inquiry

T = TypeVar("T")


class NobodyAsks:
    """A ``Deciding`` of a node that asks nothing."""

    def ask(self, inquiry: Inquiry[T]) -> Awaited[T]:
        raise AssertionError("nothing is asked")

    def told(self, revision: int) -> Awaited[None]:
        raise AssertionError("nothing is waited for")

    def read_through(self, key: bytes) -> Awaited[None]:
        raise AssertionError("nothing is read")

    def pause(self) -> Awaited[None]:
        raise AssertionError("nothing is tried again")

    def patience(self) -> Callable[[], bool]:
        raise AssertionError("nothing waits for others")

"""A value that comes from outside of the turns, and steps that wait for it.

    awaited = Awaited()                        made by whoever asks
    value = yield from awaited.value()         in steps: waits, and costs nothing meanwhile
    awaited.set(value) or awaited.fail(error)  called by the loop, once, in or out of a turn

Steps that wait go on in a turn that is asked for when the value comes. The steps may be gone by
then, because their client is: the value is then nobody's.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from amqp_server.broker.steps import WaitingSteps

T = TypeVar("T")


class Awaited(Generic[T]):
    """A value, or an error, that is set once; a ``broker.steps.Wait``.

    Attributes:
        is_over: it was set.
    """

    __slots__ = ("_calls", "_error", "_value", "is_over")

    _value: T

    def __init__(self) -> None:
        self._calls: list[Callable[[], None]] = []
        self._error: Exception | None = None
        self.is_over = False

    def set(self, value: T) -> None:
        """Set the value; whoever waits goes on."""
        self._value = value
        self._end()

    def fail(self, error: Exception) -> None:
        """Set an error, which is raised in the steps that wait."""
        self._error = error
        self._end()

    def wait(self, call: Callable[[], None]) -> None:
        """Call this once when it is over: at once if it is over now."""
        if self.is_over:
            call()
        else:
            self._calls.append(call)

    def taken(self) -> T:
        """Return the value that was set, for whom no steps wait any more."""
        return self._value

    def value(self) -> WaitingSteps[T]:
        """Wait for the value, and return it.

        Raises:
            Exception: what was set with ``fail``.
        """
        while not self.is_over:
            yield self
        if self._error is not None:
            raise self._error
        return self._value

    def _end(self) -> None:
        assert not self.is_over, "a value comes once"
        self.is_over = True
        calls, self._calls = self._calls, []
        for call in calls:
            call()

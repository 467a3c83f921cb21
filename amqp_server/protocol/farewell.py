"""The order at the end of a connection: its resources are given back, then its last words are sent.

    release begins → channel after channel, in slices → last words → the socket may be closed

So when a client gets the last words, everything is given back. For example, others can then use a
queue that was consumed exclusively. The resources are also given back when the client is gone.
"""

from collections.abc import Callable

from amqp_server.broker.steps import StepsJob, WaitingSteps
from amqp_server.broker.turn import Turn
from amqp_server.connections.outbox import Outbox
from persistence.record import Octets


class Farewell:
    """The last words of one connection.

    Attributes:
        is_held: they wait until everything is given back.
    """

    __slots__ = ("_is_ending", "_on_said", "_outbox", "_words", "is_held")

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._words: list[Octets] = []
        self._on_said: Callable[[], None] | None = None
        self._is_ending = False
        self.is_held = False

    def begin(self, ending: WaitingSteps[None], turn: Turn, on_said: Callable[[], None]) -> bool:
        """Give back the connection's resources, as many now as the turn's budget allows.

        Args:
            ending: the steps that do it.
            turn: does the remaining steps later.
            on_said: called once, after held words were sent.

        Returns:
            Whether all of it is done.
        """
        self._is_ending = True
        self._on_said = on_said
        job = StepsJob(self._until_said(ending), turn)
        if not job.step(turn.now_ms):
            turn.later(job)
        return job.is_done

    def say(self, octets: Octets) -> None:
        """Send last words once all is given back."""
        if self._is_ending:
            self._words.append(octets)
            self.is_held = True
        else:
            self._outbox.write(octets)

    def drop(self) -> None:
        """Send nothing more: the client is gone."""
        self._words = []
        self.is_held = False

    def _until_said(self, ending: WaitingSteps[None]) -> WaitingSteps[None]:
        try:
            yield from ending
        finally:
            self._is_ending = False
            on_said, self._on_said = self._on_said, None  # this leaves no reference cycle
            for octets in self._words:
                self._outbox.write(octets)
            was_held = self.is_held
            self.drop()
            if was_held and on_said is not None:
                on_said()

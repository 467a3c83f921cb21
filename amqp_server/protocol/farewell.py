"""The end of a connection: what it held is given back first, then its last words are said.

    release begins → channel after channel, in slices → last words → the socket may be closed

Whoever hears them finds done what the connection had to give back: a queue that it had for itself
can be consumed from. A client that is not there to hear them keeps nothing from being done.
"""

from collections.abc import Callable

from amqp_server.broker.steps import Steps, StepsJob
from amqp_server.broker.turn import Turn
from amqp_server.connections.outbox import Outbox
from persistence.record import Octets


class Farewell:
    """The last words of one connection.

    Attributes:
        is_held: they wait for what the connection has to give back.
    """

    __slots__ = ("_is_ending", "_on_said", "_outbox", "_words", "is_held")

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._words: list[Octets] = []
        self._on_said: Callable[[], None] | None = None
        self._is_ending = False
        self.is_held = False

    def begin(self, ending: Steps[None], turn: Turn, on_said: Callable[[], None]) -> bool:
        """Give back what the connection holds, now as far as the turn's budget lasts.

        Args:
            ending: does it.
            turn: carries on what is left.
            on_said: called once when words that were held have been said.

        Returns:
            Whether all of it is done.
        """
        self._is_ending = True
        self._on_said = on_said
        job = StepsJob(self._until_said(ending), turn.budget.is_spent)
        is_done = job.step(turn.now_ms)
        if not is_done:
            turn.later(job)
        return is_done

    def say(self, octets: Octets) -> None:
        """Say something once all is given back."""
        if self._is_ending:
            self._words.append(octets)
            self.is_held = True
        else:
            self._outbox.write(octets)

    def drop(self) -> None:
        """Say nothing more: nobody is there."""
        self._words = []
        self.is_held = False

    def _until_said(self, ending: Steps[None]) -> Steps[None]:
        try:
            yield from ending
        finally:
            self._is_ending = False
            on_said, self._on_said = self._on_said, None  # no cycle stays for the collector
            for octets in self._words:
                self._outbox.write(octets)
            was_held = self.is_held
            self.drop()
            if was_held and on_said is not None:
                on_said()

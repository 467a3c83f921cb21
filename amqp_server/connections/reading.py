"""Decides whether the socket of a connection is read.

    earlier input waits          not until it has been carried out: the intake is stalled
    an alarm, and a publish      not until the alarm is over: the client is blocked

Meanwhile the client's input is not read, and its silence is not counted.

Source: RabbitMQ, alarms (connection.blocked) and rabbit_heartbeat's pausing.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from amqp_server.broker.alarms import Alarms
from amqp_server.broker.turn import Turn
from amqp_server.connections.heartbeat import Heartbeat

TellBlocked: TypeAlias = Callable[[bool], None]
"""Tells the client that it is blocked, or not any more, if its protocol has a method for it."""


class Input(Protocol):
    """The input that was read; ``connections.intake`` implements it."""

    @property
    def is_stalled(self) -> bool:
        """Whether some of it waits."""


def _nobody_to_tell(_is_blocked: bool) -> None:  # noqa: FBT001 -- the port's
    """Stand in for a client that is gone."""


class Reading:
    """The reading of one connection.

    Attributes:
        is_wanted: the socket must be read.
        is_blocked: an alarm keeps it from being read.
    """

    __slots__ = (
        "_alarms",
        "_heartbeat",
        "_intake",
        "_on_change",
        "_tell_blocked",
        "_turn",
        "is_blocked",
        "is_wanted",
    )

    def __init__(
        self,
        intake: Input,
        heartbeat: Heartbeat,
        alarms: Alarms,
        turn: Turn,
        tell_blocked: TellBlocked,
        on_change: Callable[[], None],
    ) -> None:
        """Begin with a socket that is read.

        Args:
            intake: holds input that waits.
            heartbeat: counts silence.
            alarms: the node's.
            turn: the node's, which knows the time.
            tell_blocked: called before reading stops for an alarm, and before it starts again.
            on_change: called when ``is_wanted`` may have changed.
        """
        self._intake = intake
        self._heartbeat = heartbeat
        self._alarms = alarms
        self._turn = turn
        self._tell_blocked = tell_blocked
        self._on_change = on_change
        self.is_blocked = False
        self.is_wanted = True

    def block(self) -> None:
        """Stop reading until the alarm is over: a publish came while a resource runs low."""
        if self.is_blocked:
            return
        self.is_blocked = True
        self._alarms.subscribe(self._on_alarm)
        self._tell_blocked(True)  # noqa: FBT003 -- the port's
        self.regulate()

    @property
    def word(self) -> str:
        """RabbitMQ's word for how an open connection is (rabbit_reader)."""
        if self.is_blocked:
            return "blocked"
        if self._alarms.is_on:
            return "blocking"  # its next publish blocks it
        return "flow" if self._intake.is_stalled else "running"

    def regulate(self) -> None:
        """Start or stop reading the socket; without reading, silence is not counted."""
        is_wanted = not (self.is_blocked or self._intake.is_stalled)
        if is_wanted is not self.is_wanted:
            self.is_wanted = is_wanted
            self._heartbeat.hear(can_be_heard=is_wanted, now_ms=self._turn.now_ms)
        self._on_change()

    def end(self) -> None:
        """Stop following alarms without telling the client, because the connection is over."""
        self.is_blocked = False
        self.is_wanted = not self._intake.is_stalled
        self._alarms.unsubscribe(self._on_alarm)
        self._tell_blocked = _nobody_to_tell

    def _on_alarm(self, _now_ms: int) -> None:
        if not self.is_blocked or self._alarms.is_on:
            return
        self.is_blocked = False
        self._alarms.unsubscribe(self._on_alarm)
        self._tell_blocked(False)  # noqa: FBT003 -- the port's
        self.regulate()

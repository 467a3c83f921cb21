"""A command under way: a job of the turn, whose answer waits until all that it did is safe."""

import logging
from collections.abc import Callable
from typing import NamedTuple

from amqp_server.broker.broker import Broker
from amqp_server.broker.errors import BrokerError
from amqp_server.broker.steps import WaitingSteps, resume_after
from exchanges.errors import ExchangeError
from queues.commits import CommitPoint, is_safe, later_of, wait_for

log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """What came of a command.

    Attributes:
        value: what it returned; None if it was refused.
        error: why it was refused; None if it was not. A bug of ours is a ``BrokerError`` too.
        is_safe: whether what it did survives as promised. Where not, a disk or a mirror has failed.
    """

    value: object = None
    error: Exception | None = None
    is_safe: bool = True


class CommandJob:
    """A ``broker.budget.Job`` that carries a command out.

    Args:
        broker: the command's.
        steps: the command.
        answer: called once, unless the command is given up. It must not raise.
    """

    def __init__(
        self, broker: Broker, steps: WaitingSteps[object], answer: Callable[[Answer], None]
    ) -> None:
        self._broker = broker
        self._steps: WaitingSteps[object] | None = steps
        self._answer: Callable[[Answer], None] | None = answer

    def step(self, _now_ms: int) -> bool:
        """Do a piece, and more while there is time; return whether all is done, or it waits."""
        steps, turn = self._steps, self._broker.turn
        is_spent = turn.budget.is_spent
        if steps is None:
            return True
        try:
            while True:
                wait = next(steps)
                if wait is not None:
                    resume_after(wait, self, turn)
                    return True
                if is_spent():
                    return False
        except StopIteration as end:
            self._wait_with(end.value)
        except (BrokerError, ExchangeError) as error:
            self._give(Answer(error=error))
        except Exception:
            log.exception("a command failed")
            self._give(Answer(error=BrokerError("internal error; the log says more")))
        self._steps = None
        return True

    def give_up(self) -> None:
        """End the command where it is; nobody waits for its answer any more."""
        self._answer = None
        if self._steps is not None:
            self._steps.close()
            self._steps = None

    def _wait_with(self, value: object) -> None:
        """Answer when the changes of definitions, and a published message, are safe."""
        safe_at = self._broker.journal.safe_at
        point = getattr(value, "safe_at", None)
        if isinstance(point, CommitPoint):
            safe_at = later_of(safe_at, point)
        wait_for(safe_at, lambda: self._give(Answer(value, is_safe=is_safe(safe_at))))

    def _give(self, answer: Answer) -> None:
        give, self._answer = self._answer, None
        if give is not None:
            give(answer)

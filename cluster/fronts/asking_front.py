"""What channels ask of a front half: ``queues.ports.AskedQueue`` in the words of the frames."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial

from cluster.fronts.asked_consumers import AskedConsumers
from cluster.fronts.engine_here import EngineHere
from cluster.fronts.frames import Counts, Got, Purged, Question, Settlement
from cluster.fronts.questions import Answer, Then
from queues.asked_port import ConsumeAnswer, CountsAnswer, GetAnswer
from queues.batch import Batch
from queues.consumer_port import ConsumerHandle
from queues.errors import ExclusiveUseError
from queues.options import QueueOptions


class AskingFront(EngineHere):
    """The part of a front half that is asked, and answers later."""

    def __init__(self, options: QueueOptions) -> None:
        """Begin with these options."""
        super().__init__(options)
        self._asked_consumers = AskedConsumers()

    @abstractmethod
    def consume(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Add a consumer; it stays, whoever leads."""

    @abstractmethod
    def ask(self, question: Question, then: Then, now_ms: int) -> None:
        """Ask the leader, as soon as there is one."""

    @abstractmethod
    def give_back(self, settlement: Settlement, batches: Sequence[Batch], now_ms: int) -> None:
        """Give back what was delivered, or got."""

    def ask_get(self, then: Callable[[GetAnswer | None], None], now_ms: int) -> None:
        """Ask for a message, which is to be settled; None where there is no answer in time."""
        self.ask(Question.GET, partial(_tell_got, then), now_ms)

    def ask_purge(self, then: Callable[[int | None], None], now_ms: int) -> None:
        """Have ready messages forgotten; the answer is how many, once no leader has them."""
        self.ask(Question.PURGE, partial(_tell_purged, then), now_ms)

    def ask_counts(self, then: Callable[[CountsAnswer | None], None], now_ms: int) -> None:
        """Ask how many messages and consumers there are."""
        self.ask(Question.COUNTS, partial(_tell_counts, then), now_ms)

    def ask_consume(
        self, handle: ConsumerHandle, then: Callable[[ConsumeAnswer], None], now_ms: int
    ) -> None:
        """Add a consumer; its client waits until the leader has said whether it is there."""
        self._asked_consumers.add(handle, then, now_ms)
        try:
            self.consume(handle, now_ms)
        except ExclusiveUseError:
            self._asked_consumers.barred(handle)

    def give_back_unseen(self, batch: Batch) -> None:
        """Return a message that nobody was shown."""
        self.give_back(Settlement.UNSEEN, [batch], 1)


def _tell_got(then: Callable[[GetAnswer | None], None], answer: Answer | None) -> None:
    then(GetAnswer(answer.batch, answer.ready_count) if isinstance(answer, Got) else None)


def _tell_purged(then: Callable[[int | None], None], answer: Answer | None) -> None:
    then(answer.purged_count if isinstance(answer, Purged) else None)


def _tell_counts(then: Callable[[CountsAnswer | None], None], answer: Answer | None) -> None:
    if isinstance(answer, Counts):
        then(CountsAnswer(answer.ready_count, answer.consumer_count, answer.unacked_count))
    else:
        then(None)

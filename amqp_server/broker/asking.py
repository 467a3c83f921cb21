"""Requests on a queue that is led on another node: the answer comes later, or not at all.

The client's input waits, as for any work of many turns. A message that was got for a client that is
gone meanwhile goes back unseen.
"""

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.errors import NotFoundError, UnreadableError
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import WaitingSteps
from queues.asked_port import (
    AskedQueue,
    ConsumeAnswer,
    CountsAnswer,
    GetAnswer,
    waiting_count,
)
from queues.consumer_port import ConsumerHandle
from queues.errors import ExclusiveUseError


class _Getting:
    """A get that is under way; ``is_wanted``: its client is there."""

    def __init__(self, asked: AskedQueue) -> None:
        self._asked = asked
        self.awaited: Awaited[GetAnswer | None] = Awaited()
        self.is_wanted = True

    def answer(self, answer: GetAnswer | None) -> None:
        """Take the answer."""
        if self.is_wanted:
            self.awaited.set(answer)
        elif answer is not None and answer.batch is not None:
            self._asked.give_back_unseen(answer.batch)


def getting(queue: Queue, asked: AskedQueue, now_ms: int) -> WaitingSteps[GetAnswer]:
    """Ask the leader for a message.

    Raises:
        NotFoundError: there was no answer in time (404).
    """
    under_way = _Getting(asked)
    asked.ask_get(under_way.answer, now_ms)
    answer: GetAnswer | None = None
    is_taken = False
    try:
        answer = yield from under_way.awaited.value()
        is_taken = True
    finally:
        under_way.is_wanted = False
        if not is_taken and under_way.awaited.is_over:
            # It came when nobody was there any more to go on.
            under_way.answer(under_way.awaited.taken())
    if answer is None:
        raise no_answer(queue)
    return answer


def consuming_elsewhere(
    queue: Queue, asked: AskedQueue, handle: ConsumerHandle, now_ms: int
) -> WaitingSteps[None]:
    """Add a consumer, and wait until the leader has; who gives up, or is refused, is removed.

    Raises:
        ExclusiveUseError: another consumer keeps it out.
        NotFoundError: there was no answer in time, or the queue is gone (404).
    """
    awaited: Awaited[ConsumeAnswer] = Awaited()
    answer: ConsumeAnswer | None = None
    asked.ask_consume(handle, awaited.set, now_ms)
    try:
        answer = yield from awaited.value()
    finally:
        if answer is not ConsumeAnswer.THERE and not queue.is_deleted:
            queue.engine.cancel(handle, now_ms)
    if queue.is_deleted:
        # Perhaps it went just after the answer; its consumers were told without this one.
        raise NotFoundError(f"no {queue.text}")
    if answer is ConsumeAnswer.NO_ANSWER:
        raise no_answer(queue)
    if answer is ConsumeAnswer.BARRED:
        raise ExclusiveUseError


def purging_elsewhere(queue: Queue, asked: AskedQueue, now_ms: int) -> WaitingSteps[int]:
    """Have the leader purge; return how many messages that were, once no leader has them.

    Raises:
        NotFoundError: there was no answer in time (404).
    """
    awaited: Awaited[int | None] = Awaited()
    asked.ask_purge(awaited.set, now_ms)
    count = yield from awaited.value()
    if count is None:
        raise no_answer(queue)
    return count


def counting(queue: Queue, now_ms: int) -> WaitingSteps[CountsAnswer]:
    """Return the counts of a queue, from wherever it is led.

    Raises:
        NotFoundError: there was no answer in time (404).
    """
    asked = queue.asked_elsewhere
    if asked is None:
        engine = queue.engine
        return CountsAnswer(waiting_count(engine), engine.consumer_count, 0)
    awaited: Awaited[CountsAnswer | None] = Awaited()
    asked.ask_counts(awaited.set, now_ms)
    counts = yield from awaited.value()
    if counts is None:
        raise no_answer(queue)
    return counts


def require_messages_here(queue: Queue) -> None:
    """Refuse what goes through the messages of a queue that another node leads.

    Raises:
        UnreadableError: it is led elsewhere.
    """
    if queue.asked_elsewhere is not None:
        text = "cannot be read here: another node leads it. Ask the one that the queue names"
        raise UnreadableError(f"{queue.text} {text}")


def no_answer(queue: Queue) -> NotFoundError:
    """Return RabbitMQ's error (rabbit_amqqueue, ``absent`` with ``timeout``)."""
    return NotFoundError(f"failed to perform operation on {queue.text} due to timeout")

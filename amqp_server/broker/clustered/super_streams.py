"""A super stream in a cluster: its exchange, then its streams, then their bindings, or nothing.

    exchange, must be new ─▶ streams, must be new ─▶ bindings ─▶ the revision that has all
         └ refused: nothing was made      └ refused ────┴─▶ all of it is deleted again

Of two clients that make one of a name at once, the store lets one of them have the exchange. What
was made and must go is known by its id, so that nothing of another client goes. Several questions
are under way at a time: one after another, a thousand streams would take longer than clients wait.

A node that ends in between leaves what it had made, as in RabbitMQ: delete the super stream.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.awaited import Awaited
from amqp_server.broker.clustered.declaring import Declaring
from amqp_server.broker.deciding import Deciding
from amqp_server.broker.definitions.definition import BindingDefinition
from amqp_server.broker.steps import WaitingSteps
from cluster.definitions.inquiry import Inquiry
from cluster.metadata.errors import MetadataError

AT_ONCE: Final = 8
"""Questions of one client that are under way: a node has as many lanes."""


class SuperStreams:
    """Makes super streams of one node's clients.

    Args:
        declaring: makes the inquiries.
        desk: runs them.
    """

    def __init__(self, declaring: Declaring, desk: Deciding) -> None:
        self._declaring = declaring
        self._desk = desk

    def creating(
        self,
        exchange: ExchangeProperties,
        bindings: Sequence[BindingDefinition],
        properties: QueueProperties,
        later: Callable[[WaitingSteps[None]], None],
    ) -> WaitingSteps[int]:
        """Create exchange, streams and bindings; return the revision that has all of them.

        Args:
            exchange: its properties.
            bindings: from the exchange to each stream.
            properties: of each stream.
            later: carries steps on for which nobody waits.

        Raises:
            NameTakenError: one of the names is taken.
            BrokerError: another refusal of what was to be made.
            MetadataError: the store does not answer. What was made is deleted once it does.
        """
        declaring, first = self._declaring, bindings[0]
        vhost, name = first.vhost, first.source
        made_at = yield from self._desk.ask(
            declaring.exchange(vhost, name, exchange, must_be_new=True)
        ).value()
        ids = [declaring.new_queue_id() for _ in bindings]
        streams = yield from asked_together(
            self._desk,
            [
                declaring.queue(
                    vhost, each.destination, properties, queue_id=queue_id, must_be_new=True
                )
                for each, queue_id in zip(bindings, ids, strict=True)
            ],
        )
        answers: list[int | Exception] = [made_at, *streams]
        if not any(isinstance(each, Exception) for each in streams):
            answers += yield from asked_together(self._desk, map(declaring.binding, bindings))
        error = next((each for each in answers if isinstance(each, Exception)), None)
        if error is None:
            return max(each for each in answers if isinstance(each, int))
        asked = zip([each.destination for each in bindings], ids, strict=True)
        undoing = self._undoing(vhost, name, list(asked)[: len(streams)])
        if isinstance(error, MetadataError):
            later(undoing)
        else:
            yield from undoing
        raise error

    def _undoing(
        self, vhost: str, name: str, streams: Sequence[tuple[str, str]]
    ) -> WaitingSteps[None]:
        """Delete what was made, however long the store is away."""
        declaring = self._declaring
        for stream, queue_id in streams:
            yield from self._done(partial(declaring.deleting_queue, vhost, stream, queue_id))
        yield from self._done(partial(declaring.deleting_exchange, vhost, name, if_unused=False))

    def _done(self, inquiry: Callable[[], Inquiry[int]]) -> WaitingSteps[None]:
        while True:
            try:
                yield from self._desk.ask(inquiry()).value()
            except MetadataError:
                yield from self._desk.pause().value()
            else:
                return


def asked_together(
    desk: Deciding, inquiries: Iterable[Inquiry[int]]
) -> WaitingSteps[list[int | Exception]]:
    """Ask several inquiries at a time; return their revisions or errors, in their order.

    Behind an error nothing more is asked, so that there may be fewer answers than inquiries. All
    that was asked is answered.
    """
    answers: list[int | Exception] = []
    under_way = deque[Awaited[int]]()
    for inquiry in inquiries:
        if len(under_way) == AT_ONCE:
            answers.append((yield from _answer(under_way.popleft())))
        if answers and isinstance(answers[-1], Exception):
            break
        under_way.append(desk.ask(inquiry))
    while under_way:
        answers.append((yield from _answer(under_way.popleft())))
    return answers


def _answer(awaited: Awaited[int]) -> WaitingSteps[int | Exception]:
    try:
        return (yield from awaited.value())
    except Exception as error:  # noqa: BLE001 - raised once all that was asked is answered
        return error

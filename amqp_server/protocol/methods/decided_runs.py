"""Declares, binds and consumers that follow one another on a channel, on a node of a cluster.

    queue.declare a                       waits for the store, alone
    queue.declare b, c, d … behind it     gathered meanwhile, then asked for together (``in_order``)
    ◀─ declare-ok b, c, d …               in their order

One that fails closes the channel, and what is behind it has no effect. So only what the store
decides as a whole goes together, and only methods that are sure to be asked for: rights, names and
limits are checked before. Whatever is unlike that ends the run, and is carried out by itself.

Consumers of queues that other nodes lead are asked for together, too. Each is shown messages once
those before it are there; where one of them fails, it is gone, and its messages are back unseen.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, NamedTuple

from pamqp import commands

from amqp_server.broker.clustered.decisions import Decisions
from amqp_server.broker.events import acting
from amqp_server.broker.names import (
    REPLY_TO_QUEUE,
    check_not_default_exchange,
    strip_line_ends,
)
from amqp_server.broker.steps import WaitingSteps
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.methods import basic
from amqp_server.protocol.methods import exchange as exchanges
from amqp_server.protocol.methods import queue as queues
from amqp_server.protocol.methods.decided import answering_declare, is_exclusive
from amqp_server.wire.methods import Method, arguments_of, decode_method
from cluster.definitions.in_order import Make
from exchanges.bindings import Destination, DestinationKind

RUN_MAX: Final = 64
"""Methods in a run."""

FOLLOWING: Final = frozenset(
    method.index
    for method in (
        commands.Exchange.Declare,
        commands.Exchange.Bind,
        commands.Queue.Declare,
        commands.Queue.Bind,
        commands.Basic.Consume,
    )
)
"""Methods that may be in a run."""

OnError = Callable[[int, Exception], None]
"""Takes which method of a run has failed, and why."""


class _Prepared(NamedTuple):
    """A method that may be asked for.

    Attributes:
        make: begins its inquiry; None: the store has nothing to do with it.
        answer: the steps that answer it, once it is decided.
        queue: what an empty name means on the channel from then on; None: what it did.
    """

    make: Make | None
    answer: Callable[[], WaitingSteps[Method | None]]
    queue: str | None = None


class PreparedRun(NamedTuple):
    """The first methods of a channel that go together.

    Attributes:
        size: how many they are; it may be 0.
        steps: carry them out.
    """

    size: int
    steps: Callable[[OnError], WaitingSteps[None]]


def run_of(channel: Channel, payloads: Iterable[bytes]) -> PreparedRun:
    """Return the first methods that go together.

    Args:
        channel: on which they came.
        payloads: of method frames of ``FOLLOWING``.
    """
    decisions = channel.session.broker.decisions
    assert decisions is not None, "nothing else waits for a store"
    found: list[_Prepared] = []
    tags: set[str] = set()
    declared: set[str] = set()
    for payload in payloads:
        try:
            method = decode_method(payload)
            if _source_of(method) in declared:
                break
            if isinstance(method, commands.Basic.Consume):
                prepared = _consumer(channel, method, tags)
            else:
                prepared = _prepared(channel, decisions, method)
        except Exception:  # noqa: BLE001 - it is carried out by itself, and fails then
            break
        if prepared is None or len(found) == RUN_MAX:
            break
        if found and (found[0].make is None) is not (prepared.make is None):
            break
        found.append(prepared)
        if isinstance(method, commands.Exchange.Declare):
            declared.add(strip_line_ends(method.exchange))
    return PreparedRun(len(found), partial(_declaring, channel, decisions, found))


def _declaring(
    channel: Channel, decisions: Decisions, run: list[_Prepared], on_error: OnError
) -> WaitingSteps[None]:
    session, work = channel.session, _asking(channel, decisions, run, on_error)
    if run[0].make is not None:
        work = acting(session.broker.events, session.username, work)
    yield from work


def _asking(
    channel: Channel, decisions: Decisions, run: list[_Prepared], on_error: OnError
) -> WaitingSteps[None]:
    """Ask for all of them, and answer up to the first that fails."""
    makes = [each.make for each in run if each.make is not None]
    count, error = len(run), None
    if makes:
        try:
            count, error = yield from decisions.asking_in_order(makes)
        except Exception as unknown:  # noqa: BLE001 - the store does not answer
            count, error = 0, unknown
    # Those that ask the leaders of their queues begin together.
    answers = [_Answer(each.answer) for each in run[:count]]
    try:
        for number, answer in enumerate(answers):
            try:
                reply = yield from answer.rest()
            except Exception as failed:  # noqa: BLE001 - the first that fails is the last
                on_error(number, failed)
                return
            if channel.is_closing:
                return
            queue = run[number].queue
            if queue is not None:
                channel.last_queue_name = queue
            if reply is not None:
                channel.write(reply)
    finally:
        for answer in answers:
            answer.steps.close()
    if error is not None:
        on_error(count, error)


class _Answer:
    """The steps of an answer, up to their first wait, and from there."""

    def __init__(self, make: Callable[[], WaitingSteps[Method | None]]) -> None:
        self.steps: WaitingSteps[Method | None] = _over(None, None)
        self._wait: Any = None
        try:
            self.steps = make()
            self._wait = next(self.steps)
        except StopIteration as end:
            self.steps = _over(end.value, None)
        except Exception as error:  # noqa: BLE001 - raised in its turn
            self.steps = _over(None, error)

    def rest(self) -> WaitingSteps[Method | None]:
        """Carry on what is left."""
        if self._wait is not None:
            yield self._wait
        return (yield from self.steps)


def _over(reply: Method | None, error: Exception | None) -> WaitingSteps[Method | None]:
    yield from ()
    if error is not None:
        raise error
    return reply


# ── what is checked before ──


def _source_of(method: Method) -> str | None:
    """Return the exchange from which a method binds: its type says which rights that needs."""
    match method:
        case commands.Queue.Bind():
            return strip_line_ends(method.exchange)
        case commands.Exchange.Bind():
            return strip_line_ends(method.source)
        case _:
            return None


def _prepared(channel: Channel, decisions: Decisions, method: Method) -> _Prepared | None:
    match method:
        case commands.Queue.Declare():
            return _queue(channel, decisions, method)
        case commands.Exchange.Declare():
            return _exchange(channel, decisions, method)
        case commands.Queue.Bind():
            return _queue_binding(channel, decisions, method)
        case commands.Exchange.Bind():
            destination, source = exchanges.ends_of(channel, method)
            to = Destination(DestinationKind.EXCHANGE, destination)
            ok = None if method.nowait else commands.Exchange.BindOk()
            return _binding(channel, decisions, (source, to, method.routing_key), method, ok)
        case _:
            return None


def _queue(
    channel: Channel, decisions: Decisions, method: commands.Queue.Declare
) -> _Prepared | None:
    name, vhost = strip_line_ends(method.queue), channel.session.open_vhost
    is_local = method.passive or method.exclusive or name.startswith(REPLY_TO_QUEUE)
    is_counted = vhost.limits or channel.session.broker.settings.queues_max
    if not name or is_local or is_counted or is_exclusive(channel, name):
        return None
    _, properties = queues.asked_queue(channel, method, name)
    queue_id = decisions.declaring.new_queue_id()
    return _Prepared(
        partial(decisions.declaring.queue, vhost.name, name, properties, queue_id=queue_id),
        partial(answering_declare, channel, method, name, queue_id),
        name,
    )


def _exchange(
    channel: Channel, decisions: Decisions, method: commands.Exchange.Declare
) -> _Prepared | None:
    name = strip_line_ends(method.exchange)
    if method.passive:
        return None
    check_not_default_exchange(name)
    properties = exchanges.asked_exchange(channel, method, name)
    make = partial(decisions.declaring.exchange, channel.session.vhost_name, name, properties)
    ok = None if method.nowait else commands.Exchange.DeclareOk()
    return _Prepared(make, partial(_over, ok, None))


def _queue_binding(
    channel: Channel, decisions: Decisions, method: commands.Queue.Bind
) -> _Prepared | None:
    if not method.queue or is_exclusive(channel, strip_line_ends(method.queue)):
        return None
    ends = queues.ends_of(channel, method)
    ok = None if method.nowait else commands.Queue.BindOk()
    named = (ends.exchange, ends.to, ends.routing_key)
    return _binding(channel, decisions, named, method, ok)


def _binding(
    channel: Channel,
    decisions: Decisions,
    named: tuple[str, Destination, str],
    method: commands.Queue.Bind | commands.Exchange.Bind,
    ok: Method | None,
) -> _Prepared:
    vhost = channel.session.vhost_name
    binding = decisions.binding_named(vhost, *named, arguments_of(method))
    return _Prepared(partial(decisions.declaring.binding, binding), partial(_over, ok, None))


def _consumer(channel: Channel, method: commands.Basic.Consume, tags: set[str]) -> _Prepared | None:
    """Return a consumer of a queue that another node leads; None: it is carried out by itself.

    So is one of an auto-delete queue, which would end where the consumer is taken back.

    Args:
        channel: where it was asked for.
        method: asks for it.
        tags: of consumers before it in the run; its own comes to them.
    """
    name, tag = strip_line_ends(method.queue), method.consumer_tag
    limit = channel.session.settings.consumers_per_channel_max
    is_full = limit and len(channel.consumers) + len(tags) >= limit
    if (
        not name
        or not tag
        or method.exclusive
        or tag in tags
        or tag in channel.consumers
        or is_full
    ):
        return None
    queue = channel.session.open_vhost.queues.find(name)
    if queue is None or queue.owner is not None or queue.asked_elsewhere is None:
        return None
    if queue.is_ended_by_store:
        return None
    tags.add(tag)
    return _Prepared(None, partial(_consuming, channel, method))


def _consuming(channel: Channel, method: commands.Basic.Consume) -> WaitingSteps[Method | None]:
    answered = basic.consume(channel, method, channel.turn.now_ms)
    if answered is None or isinstance(answered, Method):  # this node leads it by now
        return _over(answered, None)
    return answered

"""Numbers of a stream: this node has those of streams that it leads, and asks for the others."""

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.errors import BrokerError
from amqp_server.broker.steps import WaitingSteps
from amqp_server.broker.stream_numbers import BEGIN, Numbers, numbers_of, reference_of, tellable_at
from amqp_server.stream_protocol.errors import RefusedError
from amqp_server.stream_protocol.keys import Code
from amqp_server.stream_protocol.session import StreamSession
from queues.commits import is_safe, wait_for
from queues.offset_spec import OffsetKind, OffsetSpec


def asked_numbers(
    session: StreamSession, name: str, what: str, reference: bytes = b""
) -> WaitingSteps[Numbers]:
    """Return numbers of a stream; see ``broker.stream_numbers``.

    Raises:
        RefusedError: ``STREAM_DOES_NOT_EXIST``; ``STREAM_NOT_AVAILABLE`` where nobody leads it, or
            the leader's node does not answer, or what it has said is not safe.
    """
    stream = session.find_anywhere(name).stream
    if stream is not None:
        tellable = tellable_at(stream.log, what)
        found = numbers_of(stream.log, what, reference)
        if not is_safe(tellable):
            decided: Awaited[None] = Awaited()
            wait_for(tellable, lambda: decided.set(None))
            yield from decided.value()
        if not is_safe(tellable):
            raise RefusedError(Code.STREAM_NOT_AVAILABLE, missing=name)
        return found
    cluster = session.broker.cluster
    if cluster is None:
        raise RefusedError(Code.STREAM_NOT_AVAILABLE, missing=name)
    try:
        return (
            yield from cluster.stream_numbers(session.vhost_name, name, what, reference).value()
        )
    except BrokerError as error:
        raise RefusedError(Code.STREAM_NOT_AVAILABLE, missing=name) from error


def asked_begin(session: StreamSession, name: str, spec: OffsetSpec) -> WaitingSteps[int | None]:
    """Return where a reader begins at the leader, if this node has a mirror and cannot know it.

    None is what this node says. An offset that is not here yet stays where nobody answers: who goes
    on there has got all before it.
    """
    queue = session.find_anywhere(name)
    stream = queue.stream_to_read
    if stream is None or queue.stream is not None or spec.kind is OffsetKind.FIRST:
        return None
    is_offset = spec.kind is OffsetKind.OFFSET
    if is_offset and spec.value <= stream.log.readable_offset:
        return None
    try:
        (offset,) = yield from asked_numbers(session, name, BEGIN, reference_of(spec))
    except RefusedError:
        return spec.value if is_offset else None
    return offset

"""Streams as clients of the stream protocol see them: create, delete, offsets, figures.

Source: RabbitMQ, rabbit_stream_manager and rabbit_stream_reader.
"""

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.arguments.stream_texts import stream_properties
from amqp_server.broker.errors import BrokerError, NameTakenError, UndecidedError
from amqp_server.broker.names import strip_line_ends
from amqp_server.broker.steps import Steps, WaitingSteps
from amqp_server.broker.stream_numbers import CHUNKS, STORED_OFFSET
from amqp_server.stream_protocol.asking import asked_numbers
from amqp_server.stream_protocol.errors import RefusedError
from amqp_server.stream_protocol.fields import I32, I64, U16, U64, Fields, string
from amqp_server.stream_protocol.keys import Code
from amqp_server.stream_protocol.offset_specs import OFFSET, offset_spec
from amqp_server.stream_protocol.session import StreamSession
from persistence.streams.chunk import REFERENCE_BYTES_MAX


def create(session: StreamSession, fields: Fields, now_ms: int) -> WaitingSteps[bytes]:
    """Create a stream; see Create."""
    name = strip_line_ends(fields.string())
    arguments = yield from fields.map_in_steps()
    fields.end()
    session.require_stream(Permission.CONFIGURE, name)
    if not name:
        raise RefusedError(Code.PRECONDITION_FAILED)
    vhost = session.open_vhost
    queues, decisions = vhost.queues, session.broker.decisions
    queue = queues.find(name)
    if queue is not None and (decisions is None or not queue.stored_id):
        # In a cluster the store says whether one that it may have is still there.
        raise RefusedError(Code.STREAM_ALREADY_EXISTS)
    yield from queues.finishing(name)
    try:
        properties = stream_properties(arguments)
        if decisions is None:
            session.broker.check_room_for_queue(vhost, name)
            queues.declare(name, properties, session, now_ms)
        else:
            creating = decisions.creating_queue(vhost.name, name, properties)
            yield from decisions.places.placing(session.broker, vhost, name, creating)
    except UndecidedError:
        raise
    except NameTakenError as error:
        raise RefusedError(Code.STREAM_ALREADY_EXISTS) from error
    except BrokerError as error:
        raise RefusedError(Code.PRECONDITION_FAILED) from error
    return b""


def delete(session: StreamSession, fields: Fields, now_ms: int) -> WaitingSteps[bytes]:
    """Delete a stream; see Delete."""
    name = fields.string()
    fields.end()
    session.require_stream(Permission.CONFIGURE, name)
    queue = session.find_anywhere(name)
    vhost, decisions = session.open_vhost, session.broker.decisions
    queues = vhost.queues
    if decisions is not None:
        while not (yield from decisions.deleting_queue(vhost.name, name, queue.stored_id)):
            # This node had not heard of its end, nor whether there is another one by now.
            yield from decisions.looking_up(vhost.name, queues=(name,))
            before, queue = queue, session.find_anywhere(name)
            if queue is before:
                raise RefusedError(Code.STREAM_DOES_NOT_EXIST)
        return b""
    yield from queues.deleting(name, session, now_ms, if_unused=False, if_empty=False)
    return b""


def store_offset(session: StreamSession, fields: Fields, _now_ms: int) -> None:
    """Store how far a consumer has come; it is never answered; see StoreOffset."""
    reference, name, offset = fields.string(), fields.string(), fields.u64()
    fields.end()
    octets = reference.encode("utf-8", "surrogateescape")
    if not 0 < len(octets) <= REFERENCE_BYTES_MAX:
        return
    try:
        session.require_stream(Permission.READ, name)
        queue = session.find_anywhere(name)
    except RefusedError:
        return
    stream, cluster = queue.stream, session.broker.cluster
    if stream is not None:
        stream.log.store_offset(octets, offset)
    elif cluster is not None:
        cluster.store_offset(session.vhost_name, name, octets, offset)


def query_offset(session: StreamSession, fields: Fields, _now_ms: int) -> WaitingSteps[bytes]:
    """Return the stored offset of a consumer; see QueryOffset."""
    reference, name = fields.string(), fields.string()
    fields.end()
    session.require_stream(Permission.READ, name)
    octets = reference.encode("utf-8", "surrogateescape")
    (offset,) = yield from asked_numbers(session, name, STORED_OFFSET, octets)
    if offset is None:
        raise RefusedError(Code.NO_OFFSET)
    return U64.pack(offset)


def stream_stats(session: StreamSession, fields: Fields, _now_ms: int) -> WaitingSteps[bytes]:
    """Return figures of a stream; see StreamStats. -1 is none."""
    name = fields.string()
    fields.end()
    session.require_stream(Permission.READ, name)
    found = yield from asked_numbers(session, name, CHUNKS)
    first, last = [-1 if each is None else each for each in found]
    figures = {"first_chunk_id": first, "committed_chunk_id": last, "last_chunk_id": last}
    entries = [string(key) + I64.pack(value) for key, value in figures.items()]
    return I32.pack(len(entries)) + b"".join(entries)


def resolve_offset_spec(session: StreamSession, fields: Fields, now_ms: int) -> Steps[bytes]:
    """Return the offset that a specification leads to; see ResolveOffsetSpec."""
    name, spec = fields.string(), offset_spec(fields)
    if not fields.is_at_end:
        yield from fields.map_in_steps()
    fields.end()
    session.require_stream(Permission.READ, name)
    _, stream = session.find_stream(name)
    if spec is None:
        raise RefusedError(Code.NO_OFFSET)
    return U16.pack(OFFSET) + U64.pack(stream.first_offset_of(spec, now_ms))

"""Super streams as clients of the stream protocol see them; see ``broker.super_streams``.

Source: RabbitMQ, rabbit_stream_reader, super streams.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from amqp_server.broker import super_streams
from amqp_server.broker.access.rights import Permission
from amqp_server.broker.errors import (
    AccessRefusedError,
    BrokerError,
    NameTakenError,
    NotFoundError,
    UndecidedError,
)
from amqp_server.broker.names import strip_line_ends
from amqp_server.broker.steps import Steps, WaitingSteps
from amqp_server.broker.super_streams import PARTITIONS_MAX, SuperStream
from amqp_server.stream_protocol.errors import RefusedError
from amqp_server.stream_protocol.fields import Fields, strings
from amqp_server.stream_protocol.keys import Code
from amqp_server.stream_protocol.session import StreamSession


@contextmanager
def _refusals(name: str = "") -> Iterator[None]:
    """Turn the refusals of the broker into codes; with a name, what is not found is that."""
    try:
        yield
    except UndecidedError:
        raise
    except AccessRefusedError as error:
        raise RefusedError(Code.ACCESS_REFUSED) from error
    except NameTakenError as error:
        raise RefusedError(Code.STREAM_ALREADY_EXISTS) from error
    except NotFoundError as error:
        raise RefusedError(Code.STREAM_DOES_NOT_EXIST, missing=name) from error
    except BrokerError as error:
        raise RefusedError(Code.PRECONDITION_FAILED) from error


def partitions(session: StreamSession, fields: Fields, _now_ms: int) -> Steps[bytes]:
    """Tell the partitions of a super stream, in their order; see Partitions."""
    name = fields.string()
    fields.end()
    with _refusals(name):
        names = yield from super_streams.partitions_of(session.open_vhost, name)
    return strings(names)


def route(session: StreamSession, fields: Fields, _now_ms: int) -> Steps[bytes]:
    """Tell where the super stream's exchange leads with a routing key; see Route."""
    routing_key, name = fields.string(), fields.string()
    fields.end()
    vhost = session.open_vhost
    if not name or not vhost.exchanges.exists(name):
        raise RefusedError(Code.STREAM_DOES_NOT_EXIST, missing=name)
    routing = yield from vhost.router.walk(name, (routing_key,), None)
    queues = [vhost.queues.find(queue_name) for queue_name in routing.queue_names]
    return strings([queue.name for queue in queues if queue is not None and queue.is_stream])


def create(session: StreamSession, fields: Fields, now_ms: int) -> WaitingSteps[bytes]:
    """Create a super stream, all of it or nothing; see CreateSuperStream."""
    wanted = yield from _request(fields)
    with _refusals():
        yield from super_streams.creating(
            session.broker, session.open_vhost, wanted, session, session, now_ms
        )
    return b""


def delete(session: StreamSession, fields: Fields, now_ms: int) -> WaitingSteps[bytes]:
    """Delete a super stream with its partitions; see DeleteSuperStream."""
    name = fields.string()
    fields.end()
    vhost = session.open_vhost
    with _refusals(name):
        session.require(Permission.CONFIGURE, "exchange", name)
        names = yield from super_streams.partitions_of(vhost, name)
        for partition in names:
            session.require_stream(Permission.CONFIGURE, partition)
            yield None
        decisions = session.broker.decisions
        if decisions is None:
            yield from super_streams.removing(vhost, name, names, session, now_ms)
            return b""
        queues = [vhost.queues.find(partition) for partition in names]
        streams = [(queue.name, queue.stored_id) for queue in queues if queue is not None]
        yield from decisions.deleting_super_stream(vhost.name, name, streams)
    return b""


def _request(fields: Fields) -> Steps[SuperStream]:
    name = strip_line_ends(fields.string())
    partitions = yield from fields.strings_in_steps()
    keys = yield from fields.strings_in_steps()
    arguments = yield from fields.map_in_steps()
    fields.end()
    if max(len(partitions), len(keys)) > PARTITIONS_MAX:
        raise RefusedError(Code.PRECONDITION_FAILED)
    stripped = [strip_line_ends(partition) for partition in partitions]
    return SuperStream(name, stripped, [strip_line_ends(key) for key in keys], arguments)

"""Numbers of a stream: this node has those of streams that it leads, and asks for the others."""

from amqp_server.broker.errors import BrokerError
from amqp_server.broker.steps import WaitingSteps
from amqp_server.broker.stream_numbers import Numbers, numbers_of
from amqp_server.stream_protocol.errors import RefusedError
from amqp_server.stream_protocol.keys import Code
from amqp_server.stream_protocol.session import StreamSession


def asked_numbers(
    session: StreamSession, name: str, what: str, reference: bytes = b""
) -> WaitingSteps[Numbers]:
    """Return numbers of a stream; see ``broker.stream_numbers``.

    Raises:
        RefusedError: ``STREAM_DOES_NOT_EXIST``; ``STREAM_NOT_AVAILABLE`` where nobody leads it, or
            the leader's node does not answer.
    """
    stream = session.find_anywhere(name).stream
    if stream is not None:
        return numbers_of(stream.log, what, reference)
    cluster = session.broker.cluster
    if cluster is None:
        raise RefusedError(Code.STREAM_NOT_AVAILABLE, missing=name)
    try:
        return (
            yield from cluster.stream_numbers(session.vhost_name, name, what, reference).value()
        )
    except BrokerError as error:
        raise RefusedError(Code.STREAM_NOT_AVAILABLE, missing=name) from error

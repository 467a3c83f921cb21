"""The streams of a load, created before it and deleted after."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from load_generator.load import Topology
from load_generator.session import Endpoint
from load_generator.streams import commands
from load_generator.streams.session import StreamSession
from load_generator.wire import LoadError


@contextmanager
def declared(topology: Topology, endpoint: Endpoint, *, keep: bool = False) -> Iterator[None]:
    """Create what a load needs, and delete it when the block ends, unless ``keep``.

    A stream of a shared topology that exists already is neither created nor deleted.

    Raises:
        BrokerRefusalError: the broker refused.
        OSError: it does not answer.
    """
    with StreamSession(endpoint) as session:
        missing = [
            stream
            for stream in topology.queues
            if not (topology.is_shared and session.has_stream(stream))
        ]
        _create(session, topology, missing)
    try:
        yield
    except BaseException:
        # Report the first error, not the errors that follow from it.
        if not keep:
            with suppress(LoadError, OSError):
                _delete(endpoint, topology, missing)
        raise
    if not keep:
        _delete(endpoint, topology, missing)


def _create(session: StreamSession, topology: Topology, missing: list[str]) -> None:
    named = topology.queue_arguments.items()
    arguments = {name.removeprefix("x-"): str(value) for name, value in named}
    rendered = commands.string_map(arguments)
    if topology.super_stream:
        keys = [str(number) for number in range(len(topology.queues))]
        names = commands.strings(topology.queues) + commands.strings(keys)
        body = commands.string(topology.super_stream) + names + rendered
        session.call(commands.CREATE_SUPER_STREAM, body)
        return
    for stream in missing:
        session.call(commands.CREATE, commands.string(stream) + rendered)


def _delete(endpoint: Endpoint, topology: Topology, created: list[str]) -> None:
    with StreamSession(endpoint) as session:
        if topology.super_stream:
            name = commands.string(topology.super_stream)
            session.call(commands.DELETE_SUPER_STREAM, name)
            return
        for stream in created:
            session.call(commands.DELETE, commands.string(stream))

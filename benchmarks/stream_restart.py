"""Restarts with streams, timed until a reader of each has its last chunk again.

What was confirmed must be there: the last chunk of a stream ends where its publisher ended.
"""

import contextlib
import struct
import time
from typing import Final

from benchmarks.killable import Killable
from benchmarks.stream_scenarios import RestartStreams
from benchmarks.streams import fill, topology_of
from benchmarks.window import Window, mib
from load_generator.session import Endpoint
from load_generator.streams import commands
from load_generator.streams import topology as streams
from load_generator.streams.session import StreamSession
from load_generator.wire import LoadError

PREFIX: Final = "benchmark.restart"
PATIENCE_S: Final = 60.0
"""After a broker accepts connections, it has this long until all streams are there."""

_POLL_S: Final = 0.01
_CHUNK: Final = struct.Struct(">BBHIqQQ")
"""A chunk up to its first offset: magic, type, entries, records, time, epoch, offset."""


def restart_streams(scenario: RestartStreams, own: Killable) -> Window:
    """Fill streams, kill the broker, start it, and wait until it serves all of them.

    Raises:
        LoadError: the broker refused, or messages are lost.
        OSError: it does not answer.
    """
    names = [f"{PREFIX}.{number}" for number in range(scenario.stream_count)]
    own.start()
    running = own.broker()
    endpoint = running.stream_port()
    with streams.declared(topology_of(names), endpoint, keep=True):
        pass
    for name in names:
        fill(name, running, scenario.message_count, bytes(scenario.body_size_bytes))
    own.kill()
    begin_s = time.monotonic()
    own.start()
    for name in names:
        _await_last(endpoint, name, scenario.message_count)
    serving_s = time.monotonic() - begin_s
    _chunk(endpoint, names[-1], "first")
    first_message_s = time.monotonic() - begin_s
    return Window(
        serving_s=serving_s,
        first_message_s=first_message_s,
        broker_rss_mib=mib(own.broker().rss_bytes()),
    )


def _await_last(endpoint: Endpoint, name: str, next_offset: int) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        found: int | None = None
        with contextlib.suppress(LoadError, OSError):
            found = _chunk(endpoint, name, "last")
        if found == next_offset:
            return
        if time.monotonic() > deadline_s:
            raise LoadError(f"{name} ends at {found}, not at {next_offset}")
        time.sleep(_POLL_S)


def _chunk(endpoint: Endpoint, stream: str, offset: str) -> int:
    """Read a chunk; return the offset behind it.

    Raises:
        LoadError: the broker refused.
        OSError: it does not answer.
    """
    with StreamSession(endpoint) as session:
        session.socket.sendall(commands.subscribe(stream, offset, 1, ()))
        answer = session.read_answer(commands.SUBSCRIBE)
        if commands.code_of(answer) != commands.OK:
            raise commands.refusal(answer)
        frame = session.read_frame()
    if frame.key != commands.DELIVER:
        raise LoadError(f"a chunk was due, not {frame.key}")
    _, _, _, record_count, _, _, first_offset = _CHUNK.unpack_from(frame.body, 1)
    return int(first_offset + record_count)

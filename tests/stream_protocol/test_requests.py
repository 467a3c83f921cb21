"""Requests that wait: what goes on meanwhile, what keeps its order, what the end leaves."""

from typing import Any, cast

import pytest

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.errors import UndecidedError
from amqp_server.broker.steps import WaitingSteps
from amqp_server.broker.turn import Turn
from amqp_server.stream_protocol.dispatch import Answered
from amqp_server.stream_protocol.errors import (
    MalformedFrameError,
    RefusedError,
    StreamProtocolError,
)
from amqp_server.stream_protocol.fields import U32, Fields
from amqp_server.stream_protocol.keys import Code, CommandKey
from amqp_server.stream_protocol.requests import Requests

CREATE, SUBSCRIBE, STATS = CommandKey.CREATE, CommandKey.SUBSCRIBE, CommandKey.STREAM_STATS
Answer = tuple[int, int, Code]


class Client:
    """Requests of a connection, which a test carries out and answers."""

    def __init__(self) -> None:
        self.turn = Turn(4096)
        self.holds_count = 0
        self.answers: list[Answer] = []
        self.faults: list[str] = []
        self.waiting: list[Awaited[bytes]] = []
        self.looked_up: list[str] = []
        self.there: set[str] = set()
        self.is_clustered = True
        self.requests = Requests(self, self.handle, self.look_up, cast("Any", self), turn=self.turn)
        self.number = 0

    def take(self, key: int, body: bytes = b"") -> None:
        """Send a request; its correlation id is its number, from 1 on."""
        self.number += 1
        self.requests.take(key, U32.pack(self.number) + body, 1)
        self.turn.end(1)

    def end_wait(self, error: Exception | None = None) -> None:
        """Answer what the oldest request waits for."""
        awaited = self.waiting.pop(0)
        if error is None:
            awaited.set(b"")
        else:
            awaited.fail(error)
        self.turn.end(1)

    # what the requests ask

    def hold(self) -> None:
        self.holds_count += 1

    def release(self) -> None:
        assert self.holds_count > 0
        self.holds_count -= 1

    def handle(self, key: int, fields: Fields, now_ms: int) -> Answered:
        if key == STATS:
            name = fields.string() if not fields.is_at_end else ""
            if name and name not in self.there:
                raise RefusedError(Code.STREAM_DOES_NOT_EXIST, missing=name)
            return b""
        return self.steps(fields)

    def steps(self, fields: Fields) -> WaitingSteps[bytes]:
        name = "" if fields.is_at_end else fields.string()
        if name and name not in self.there:
            raise RefusedError(Code.STREAM_DOES_NOT_EXIST, missing=name)
        awaited = Awaited[bytes]()
        self.waiting.append(awaited)
        return (yield from awaited.value())

    def look_up(self, name: str) -> WaitingSteps[None] | None:
        return self.looking(name) if self.is_clustered else None

    def looking(self, name: str) -> WaitingSteps[None]:
        self.looked_up.append(name)
        awaited = Awaited[bytes]()
        self.waiting.append(awaited)
        yield from awaited.value()

    def answer(self, key: int, correlation_id: int, octets: bytes) -> None:
        assert octets == b""
        self.answers.append((key, correlation_id, Code.OK))

    def refuse(self, key: int, correlation_id: int, code: Code) -> None:
        self.answers.append((key, correlation_id, code))

    def fail(self, error: StreamProtocolError, now_ms: int) -> None:
        self.faults.append(str(error))


@pytest.fixture
def client() -> Client:
    return Client()


S = b"\0\1s"


def test_a_change_lets_frames_pass_and_no_request(client: Client) -> None:
    client.take(CREATE)
    assert client.holds_count == 0, "a Publish goes on"
    client.take(STATS)
    assert (client.holds_count, client.answers) == (1, [])
    client.end_wait()
    assert client.answers == [(CREATE, 1, Code.OK), (STATS, 2, Code.OK)]
    assert client.holds_count == 0


def test_what_is_no_change_holds_the_input(client: Client) -> None:
    client.take(SUBSCRIBE)
    assert client.holds_count == 1
    client.end_wait()
    assert (client.holds_count, client.answers) == (0, [(SUBSCRIBE, 1, Code.OK)])


def test_changes_are_carried_out_one_after_another(client: Client) -> None:
    client.take(CREATE)
    for number in range(2, 50):
        client.take(CREATE)
        assert (client.holds_count, len(client.waiting)) == (1, 1)
        client.end_wait()
        assert (client.holds_count, len(client.waiting)) == (0, 1)
        assert client.answers[-1] == (CREATE, number - 1, Code.OK)


def test_a_store_that_does_not_answer_is_an_internal_error(client: Client) -> None:
    client.take(CREATE)
    client.take(STATS)
    client.end_wait(UndecidedError("away"))
    assert client.answers == [(CREATE, 1, Code.INTERNAL_ERROR), (STATS, 2, Code.OK)]
    client.take(CREATE)
    client.end_wait(RuntimeError("a bug"))
    assert client.answers[-1] == (CREATE, 3, Code.INTERNAL_ERROR)


def test_a_fault_behind_a_change_ends_the_connection(client: Client) -> None:
    client.take(CREATE)
    client.take(STATS, b"\0\5s")
    client.end_wait()
    assert client.answers == [(CREATE, 1, Code.OK)]
    assert len(client.faults) == 1
    assert client.holds_count == 0


def test_what_is_not_found_is_looked_up_once(client: Client) -> None:
    for key in (STATS, CREATE):
        client.take(key, S)
        assert (client.looked_up, client.answers) == (["s"], [])
        client.there.add("s")
        client.end_wait()
        if key == CREATE:
            client.end_wait()
        assert client.answers == [(key, client.number, Code.OK)]
        client.there.clear()
        client.looked_up.clear()
        client.answers.clear()
    for key in (STATS, CREATE):
        client.take(key, S)
        client.end_wait()
        assert client.answers.pop() == (key, client.number, Code.STREAM_DOES_NOT_EXIST)
        assert client.looked_up.pop() == "s"
    assert client.holds_count == 0


def test_a_node_by_itself_looks_nothing_up(client: Client) -> None:
    client.is_clustered = False
    for key in (STATS, CREATE):
        client.take(key, S)
        assert client.answers.pop() == (key, client.number, Code.STREAM_DOES_NOT_EXIST)


def test_a_client_that_sends_no_more_is_answered_before_its_end(client: Client) -> None:
    client.requests.input_ended()
    assert client.holds_count == 0
    client.take(CREATE)
    client.requests.input_ended()
    assert client.holds_count == 1
    client.end_wait()
    assert (client.holds_count, client.answers) == (0, [(CREATE, 1, Code.OK)])


def test_nothing_is_answered_behind_the_end(client: Client) -> None:
    client.take(CREATE)
    client.take(CREATE)
    client.requests.end()
    client.end_wait()
    assert client.waiting == []
    assert client.answers == []


def test_a_frame_that_is_none_is_named(client: Client) -> None:
    with pytest.raises(MalformedFrameError):
        client.requests.take(STATS, b"\0", 1)
    client.take(CREATE, b"\0\5s")
    (fault,) = client.faults
    assert fault.startswith("create: ")

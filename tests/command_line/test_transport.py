"""Requests over real sockets: what is sent, and everything that may go wrong."""

import base64
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from command_line.address import Address
from command_line.errors import CommandError
from command_line.transport import HttpTransport, StreamRefusedError

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@contextmanager
def served(
    answer: Callable[[socket.socket], None], path: Path | None = None
) -> Iterator[tuple[Address, list[bytes]]]:
    """A server for one client, and what that client has sent up to the end of its headers."""
    asked: list[bytes] = []
    listening = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    listening.bind(str(path) if path else ("127.0.0.1", 0))
    listening.listen()

    def serve() -> None:
        client, _ = listening.accept()
        with client:
            data = b""
            while b"\r\n\r\n" not in data or (b"PUT" in data and b"body" not in data):
                data += client.recv(4096)
            asked.append(data)
            answer(client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    where = Address(socket=str(path)) if path else Address(port=listening.getsockname()[1])
    try:
        yield where, asked
    finally:
        thread.join(10)
        listening.close()


def send(address: Address, timeout_s: float = 10) -> bytes:
    return (
        HttpTransport(address, timeout_s).request("GET", "/api/x?a=b", b"", {"x-reason": "r"}).body
    )


def test_a_request_has_its_path_headers_and_login() -> None:
    with served(lambda client: client.sendall(OK)) as (where, asked):
        address = Address(port=where.port, prefix="/mq", user="é", password="p:q")
        assert send(address) == b"{}"
    assert asked[0].startswith(b"GET /mq/api/x?a=b HTTP/1.1\r\n")
    assert b"Basic " + base64.b64encode("é:p:q".encode()) in asked[0]
    assert b"x-reason: r" in asked[0]


def test_a_control_socket_gets_no_login(tmp_path: Path) -> None:
    with served(lambda client: client.sendall(OK), tmp_path / "s") as (where, asked):
        assert send(where) == b"{}"
    assert b"authorization" not in asked[0].lower()


def test_a_body_goes_out_as_it_is() -> None:
    with served(lambda client: client.sendall(OK)) as (where, asked):
        HttpTransport(where, 10).request("PUT", "/api/x", b"\x00body", {})
    assert asked[0].endswith(b"\r\n\r\n\x00body")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"SSH-2.0-x\r\n", 76),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}", 76),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 76),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000, 76),
        (b"", 69),
    ],
)
def test_what_is_no_answer_is_an_error(answer: bytes, status: int) -> None:
    with (
        served(lambda client: client.sendall(answer)) as (where, _),
        pytest.raises(CommandError) as caught,
    ):
        send(where)
    assert caught.value.status == status


def test_a_server_that_never_answers_is_given_up() -> None:
    done = threading.Event()
    with served(lambda _client: (done.wait(10), None)[1]) as (where, _):
        with pytest.raises(CommandError) as caught:
            send(where, 0.05)
        done.set()
    assert caught.value.status == 75


def test_nobody_there(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        addresses = [Address(port=free.getsockname()[1]), Address(socket=str(tmp_path / "none"))]
        addresses.append(Address("no.such.host.invalid"))
        for address in addresses:
            with pytest.raises(CommandError) as caught:
                send(address)
            assert caught.value.status == 69


def test_a_plain_server_is_no_tls() -> None:
    with served(lambda client: client.sendall(OK)) as (where, _):
        with pytest.raises(CommandError) as caught:
            send(Address(port=where.port, is_tls=True), 1)
        with socket.create_connection(("127.0.0.1", where.port)) as client:
            client.sendall(b"\r\n\r\n")
    assert caught.value.status in {69, 75}


def test_lines_come_as_they_are_sent_until_the_server_ends() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    with served(lambda client: client.sendall(head + b"data: 1\n\ndata: 2\n\n")) as (where, _):
        lines = list(HttpTransport(where, 10).lines("/api/tail"))
    assert lines == [b"data: 1\n", b"\n", b"data: 2\n", b"\n"]


def test_a_stream_that_is_refused_has_its_answer() -> None:
    refused = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}"
    with (
        served(lambda client: client.sendall(refused)) as (where, _),
        pytest.raises(StreamRefusedError) as caught,
    ):
        list(HttpTransport(where, 10).lines("/api/tail"))
    assert caught.value.answer.status == 404


def test_a_server_that_goes_in_the_middle_of_a_stream_is_an_error() -> None:
    cut = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n"
    with served(lambda client: client.sendall(cut)) as (where, _):
        lines = HttpTransport(where, 10).lines("/api/tail")
        assert next(lines) == b"data: 1\n"
        with pytest.raises(CommandError) as caught:
            list(lines)
    assert caught.value.status in {69, 76}

"""Requests to the HTTP API over TCP, TLS or a Unix socket, with a bound on every wait."""

import base64
import http.client
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Final, NamedTuple, Protocol

from command_line import exit_status
from command_line.address import Address
from command_line.errors import CommandError

BODY_BYTES_MAX: Final = 1 << 30
"""Largest answer that is read."""

LINE_BYTES_MAX: Final = 1 << 26
"""Longest line of a stream of events: a message and its frame in Base64."""

PIECE_BYTES: Final = 1 << 16


class Answer(NamedTuple):
    """An answer; ``headers`` by names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """The way to a node."""

    @property
    def shown(self) -> str:
        """The address of the node, for messages."""

    def request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Return the answer to a request.

        Args:
            method: in capitals.
            path: from ``/api`` on, percent-encoded, with its query.
            body: empty is none.
            headers: more of them.

        Raises:
            CommandError: there is none.
        """

    def lines(self, path: str) -> Iterator[bytes]:
        """Yield the lines of an answer that goes on, as they come; the last may be an error's body.

        Raises:
            CommandError: the node cannot be reached, is gone, or answers with an error.
        """


class _UnixConnection(http.client.HTTPConnection):
    """A connection to a control socket."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connect to the path."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class HttpTransport:
    """The way to a node over the network or a control socket; a connection for each request.

    Args:
        address: of the node.
        timeout_s: longest wait for the next part of an answer.
    """

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s

    @property
    def shown(self) -> str:
        """The address of the node, for messages."""
        return self._address.shown

    def request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Return the answer to a request; see ``Transport``."""
        with self._errors(), closing(self._connection()) as connection:
            connection.request(method, self._path(path), body or None, self._headers(headers))
            response = connection.getresponse()
            return _answer(response)

    def lines(self, path: str) -> Iterator[bytes]:
        """Yield the lines of an answer that goes on; see ``Transport``."""
        with self._errors(), closing(self._connection()) as connection:
            accept = {"accept": "text/event-stream, application/json"}
            connection.request("GET", self._path(path), None, self._headers(accept))
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise StreamRefusedError(_answer(response))
            if connection.sock is not None:
                # From here on the node sends when there is something to send.
                connection.sock.settimeout(None)
            yield from _lines(response)

    def _connection(self) -> http.client.HTTPConnection:
        where = self._address
        if where.socket:
            return _UnixConnection(where.socket, self._timeout_s)
        if not where.is_tls:
            return http.client.HTTPConnection(where.host, where.port, timeout=self._timeout_s)
        context = ssl.create_default_context(cafile=where.ca or None)
        if not where.is_checked:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(
            where.host, where.port, timeout=self._timeout_s, context=context
        )

    def _path(self, path: str) -> str:
        return self._address.prefix + path

    def _headers(self, more: Mapping[str, str]) -> dict[str, str]:
        headers = {"accept": "application/json", "connection": "close", **more}
        if self._address.user is not None and "authorization" not in headers:
            text = f"{self._address.user}:{self._address.password}"
            octets = base64.b64encode(text.encode("utf-8", "surrogateescape"))
            headers["authorization"] = f"Basic {octets.decode('ascii')}"
        return headers

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Say in words of ours why there is no answer."""
        where = self._address.shown
        try:
            yield
        except TimeoutError as error:
            text = f"{where} does not answer within {self._timeout_s:g} s"
            raise CommandError(text, exit_status.TEMPORARY) from error
        except ssl.SSLError as error:
            raise CommandError(f"{where}: TLS: {error.reason}", exit_status.UNAVAILABLE) from error
        except http.client.RemoteDisconnected as error:
            text = f"{where} closes the connection without an answer"
            raise CommandError(text, exit_status.UNAVAILABLE) from error
        except http.client.HTTPException as error:
            text = f"{where} sends what is no HTTP, or not all of it: {type(error).__name__}"
            raise CommandError(text, exit_status.PROTOCOL) from error
        except ConnectionError as error:
            text = f"{where} cannot be reached: {error.strerror or 'the connection is closed'}"
            raise CommandError(text, exit_status.UNAVAILABLE) from error
        except (OSError, UnicodeError) as error:
            text = f"{where} cannot be reached: {getattr(error, 'strerror', None) or error}"
            raise CommandError(text, exit_status.UNAVAILABLE) from error


class StreamRefusedError(Exception):
    """An answer that should have gone on, and is an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def _answer(response: http.client.HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    body = bytearray()
    while piece := response.read(PIECE_BYTES):
        body += piece
        if len(body) > BODY_BYTES_MAX:
            raise CommandError("the answer is too large", exit_status.PROTOCOL)
    if response.length:
        # The library takes the end of the connection for that of the body.
        raise http.client.IncompleteRead(bytes(body), response.length)
    return Answer(response.status, headers, bytes(body))


def _lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Yield the lines of a body as they come; one that is cut off is an error of the library."""
    line = bytearray()
    while piece := response.read1(PIECE_BYTES):
        first, *rest = piece.split(b"\n")
        line += first
        for more in rest:
            yield bytes(line) + b"\n"
            line = bytearray(more)
        if len(line) > LINE_BYTES_MAX:
            raise CommandError("a line of the answer is too long", exit_status.PROTOCOL)
    if line:
        yield bytes(line)

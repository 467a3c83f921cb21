"""Serves the built web UI as the management listener does, in front of any broker's HTTP API.

The files, headers and policy are those of ``management.web_ui``. Requests below ``/api/`` go to an
upstream with a name and a password, so that the UI can be looked at over RabbitMQ's API too.
"""

import base64
import http.client
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self, TypeAlias
from urllib.parse import urlsplit

from management.web_ui import WebUi

PASSED_ON: Final = ("accept", "content-type", "x-csrf", "x-reason")
NOT_FOUND: Final = b'{"error":"Object Not Found","reason":"Not Found"}'
NO_BODY: Final = 204


Answer: TypeAlias = tuple[int, bytes, str]
"""Status, body and content type."""


class StandIn(ThreadingHTTPServer):
    """A server on a free port of loopback, for the length of a ``with`` block.

    Args:
        upstream: the base of an HTTP API, such as http://127.0.0.1:15672; empty answers 404.
        credentials: name and password that it wants in every request.
        ask: answers a request in place of an upstream: its method, path and body.
    """

    daemon_threads = True

    def __init__(
        self,
        upstream: str = "",
        credentials: str = "guest:guest",
        ask: Callable[[str, str, bytes], Answer] | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.authorization = "Basic " + base64.b64encode(credentials.encode()).decode()
        self.ask = ask
        self.ui = WebUi()
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """The address of the UI."""
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def stand_in(self) -> StandIn:
        """The server that this request came to."""
        assert isinstance(self.server, StandIn), "no other server has this handler"
        return self.server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name there
        """Say nothing."""

    def do_GET(self) -> None:
        path = self.path.split("?")[0].lstrip("/")
        if path.startswith("api/"):
            self._pass_on()
            return
        file = self.stand_in.ui.file(path)
        if file is None:
            self._answer(404, NOT_FOUND, {})
        else:
            self._answer(200, file.body, file.headers)

    def do_PUT(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def do_DELETE(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.stand_in.ask is not None:
            status, told, kind = self.stand_in.ask(self.command, self.path, body)
            self._answer(status, told, {"content-type": kind})
            return
        if not self.stand_in.upstream:
            self._answer(404, NOT_FOUND, {})
            return
        headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
        headers["authorization"] = self.stand_in.authorization
        connection = http.client.HTTPConnection(self.stand_in.upstream, timeout=30)
        try:
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        kind = answer.headers.get("content-type", "application/json")
        self._answer(answer.status, told, {"content-type": kind})

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != NO_BODY:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

"""What the HTTP APIs of two brokers are asked: RabbitMQ's API, which HareMQ has, too."""

import json
import urllib.error
import urllib.request
from base64 import b64encode
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

ANSWER_S: Final = 60.0
OTHERS_TAKEN: Final = "all others were taken"
"""HareMQ says so where it left some definitions out, such as delayed exchanges in a cluster."""
PORT_OFFSET: Final = 10_000
"""From the port of AMQP to that of the API: 5672 and 15672, unless named."""


class ApiError(Exception):
    """An API does not answer as it should; the text says what it said."""


class Api:
    """One broker's."""

    def __init__(self, url: str) -> None:
        """Nothing is asked.

        Args:
            url: ``http://user:password@host:port``, or https.

        Raises:
            ApiError: it is no such URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ApiError(f"{_shown(url)}: expected a URL such as http://10.0.0.1:15672")
        host = parts.netloc.rpartition("@")[2]
        self.url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        login = f"{unquote(parts.username or 'guest')}:{unquote(parts.password or 'guest')}"
        self._login = f"Basic {b64encode(login.encode()).decode()}"

    def queues(self) -> list[dict[str, Any]]:
        """Return all queues that the user may see; raises ApiError."""
        return list(self._call("GET", "/api/queues"))

    def queue(self, vhost: str, queue: str) -> dict[str, Any]:
        """Return one queue; raises ApiError."""
        path = f"/api/queues/{quote(vhost, safe='')}/{quote(queue, safe='')}"
        return dict(self._call("GET", path))

    def exchanges(self) -> list[dict[str, Any]]:
        """Return all exchanges that the user may see; raises ApiError."""
        return list(self._call("GET", "/api/exchanges"))

    def delete_unbound(self, vhost: str, exchange: str) -> None:
        """Delete an exchange to which nothing is bound; raises ApiError."""
        path = f"/api/exchanges/{quote(vhost, safe='')}/{quote(exchange, safe='')}"
        self._call("DELETE", f"{path}?if-unused=true")

    def definitions(self) -> bytes:
        """Return all definitions, as they are imported elsewhere; raises ApiError."""
        return json.dumps(self._call("GET", "/api/definitions")).encode()

    def import_definitions(self, octets: bytes) -> str:
        """Add definitions to those that are there.

        Returns:
            What the broker left out, and why; empty: nothing.

        Raises:
            ApiError: it took none.
        """
        try:
            self._call("POST", "/api/definitions", octets)
        except ApiError as error:
            if OTHERS_TAKEN not in str(error):
                raise
            return str(error)
        return ""

    def _call(self, method: str, path: str, body: bytes | None = None) -> Any:  # noqa: ANN401 - JSON
        headers = {"Authorization": self._login, "Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - the scheme is looked at above
            self.url + path, body, headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            said = error.read(1_000).decode("utf-8", "replace")
            raise ApiError(f"{self.url}{path}: {error.code} {said}") from error
        except (OSError, ValueError) as error:
            raise ApiError(f"{self.url}{path}: {error}") from error


def api_beside(uri: str) -> str:
    """Return the URL of the API of a broker, where it usually is: the login and host are the same.

    Args:
        uri: ``amqp://user:password@host:port`` or amqps.

    Raises:
        ApiError: it has no number for a port.
    """
    parts = urlsplit(uri)
    is_tls = parts.scheme == "amqps"
    try:
        port = (parts.port or (5671 if is_tls else 5672)) + PORT_OFFSET
    except ValueError as error:
        raise ApiError(f"{_shown(uri)}: {error}") from error
    login, at, _ = parts.netloc.rpartition("@")
    host = parts.hostname or "127.0.0.1"
    where = f"[{host}]" if ":" in host else host
    return f"{'https' if is_tls else 'http'}://{login}{at}{where}:{port}"


def _shown(url: str) -> str:
    return "something with a login" if "@" in url else url

"""The address of a broker and the login, from an AMQP URI."""

from typing import NamedTuple
from urllib.parse import unquote, urlsplit


class Address(NamedTuple):
    """One broker under check."""

    host: str
    port: int
    user: str
    password: str
    vhost: str

    @classmethod
    def of(cls, uri: str) -> "Address":
        """Read a URI such as ``amqp://guest:guest@127.0.0.1:5672/%2F``.

        An absent part is RabbitMQ's default: guest, guest, 127.0.0.1, 5672, ``/``.

        Raises:
            ValueError: the scheme is not amqp.

        Source: https://www.rabbitmq.com/uri-spec.
        """
        parts = urlsplit(uri)
        if parts.scheme != "amqp":
            raise ValueError(f"not an amqp:// URI: {uri}")
        return cls(
            parts.hostname or "127.0.0.1",
            parts.port or 5672,
            unquote(parts.username or "guest"),
            unquote(parts.password or "guest"),
            unquote(parts.path[1:]) or "/",
        )

"""What a shovel changes in the properties of messages; most change nothing.

Source: RabbitMQ, rabbit_shovel_util:update_headers.
"""

from typing import Final

from amqp_server.broker.hidden_uris import without_credentials
from amqp_server.broker.shovels.definition import Shovel
from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import split
from amqp_server.wire.tables import Field, Table, decode_table

SHOVELLED: Final = "x-shovelled"
SHOVELLED_AT: Final = "x-shovelled-timestamp"


class Headers:
    """Makes the content headers of the messages of one shovel."""

    def __init__(self, shovel: Shovel, node_name: str) -> None:
        self._shovel = shovel
        self._properties = dict(shovel.properties)
        self._own_headers: Table = {}
        if "headers" in self._properties:
            self._own_headers = decode_table(self._properties.pop("headers"))[0]
        self._note = Field("F", _note(shovel, node_name))
        self._changes = bool(
            self._properties
            or self._own_headers
            or shovel.has_forward_headers
            or shovel.has_timestamp_header
        )

    def of(self, header: bytes, now_s: int) -> bytes:
        """Return the content header that the destination gets.

        Args:
            header: that of the source.
            now_s: the time of day, in s.
        """
        if not self._changes:
            return header
        properties = split(header)
        properties.raw.update(self._properties)
        try:
            headers = dict(properties.headers())
        except WireError:
            return header  # nobody can read them, so nobody can add one
        headers.update(self._own_headers)
        if self._shovel.has_forward_headers:
            earlier = headers.get(SHOVELLED)
            before = earlier.value if earlier is not None else []
            notes = before if isinstance(before, list) else []
            headers[SHOVELLED] = Field("A", [self._note, *notes])
        if self._shovel.has_timestamp_header:
            headers[SHOVELLED_AT] = Field("l", now_s)
        if headers:
            properties.set_headers(headers)
        return properties.encode()


def _note(shovel: Shovel, node_name: str) -> dict[str, Field]:
    """Return what the header says of this shovel."""
    source, destination = shovel.source, shovel.destination
    told = {
        "shovelled-by": node_name,
        "shovel-type": "dynamic",
        "shovel-name": shovel.name,
        "shovel-vhost": shovel.vhost,
        "src-uri": without_credentials(source.uris[0]),
        "dest-uri": without_credentials(destination.uris[0]),
        "src-queue": source.queue,
        "src-exchange": source.exchange,
        "src-exchange-key": source.exchange_key,
        "dest-queue": destination.queue,
        "dest-exchange": destination.exchange,
        "dest-exchange-key": destination.exchange_key,
    }
    return {
        key: Field("S", text.encode("utf-8", "surrogateescape"))
        for key, text in told.items()
        if text is not None
    }

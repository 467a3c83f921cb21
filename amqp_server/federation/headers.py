"""What a link notes in the headers of a message, and which messages it does not pass on.

Of a property list only the headers and the user-id change; all else is passed on octet for octet.

Source: RabbitMQ 3.10, rabbit_federation_exchange_link, rabbit_federation_queue_link.
"""

from typing import Final

from amqp_server.broker.federation.links import Link
from amqp_server.broker.hidden_uris import without_credentials
from amqp_server.shovels.incoming import Delivery
from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import Properties, split
from amqp_server.wire.tables import Field, Table, longstr
from exchanges.federation_upstream import RECEIVED_FROM

ORIGINAL_EXCHANGE: Final = "x-original-exchange"
ORIGINAL_KEY: Final = "x-original-routing-key"
VISITS: Final = "visit-count"


class LinkHeaders:
    """Makes the content headers of the messages of one link.

    Args:
        link: what is passed on.
        uri: of the upstream.
        upstream_cluster: its name.
        our_cluster: the name of this one.
    """

    def __init__(self, link: Link, uri: str, upstream_cluster: str, our_cluster: str) -> None:
        self._link = link
        self._uri = _text(without_credentials(uri))
        self._cluster = _text(upstream_cluster)
        self._ours = our_cluster.encode("utf-8", "surrogateescape")
        self._our_vhost = link.vhost.encode("utf-8", "surrogateescape")

    def of(self, message: Delivery, upstream_vhost: str) -> bytes | None:
        """Return the content header that the message gets here; None where it has none.

        Args:
            message: as the upstream delivered it.
            upstream_vhost: where from.

        Raises:
            WireError: its property list cannot be split.
        """
        properties = split(message.header)
        if not self._link.upstream.has_trusted_user_ids:
            properties.raw.pop("user_id", None)
        try:
            headers = dict(properties.headers())
        except WireError:
            return properties.encode()  # nobody can read them, so nobody can add one
        if self._link.kind == "queue":
            self._note_queue(message, headers)
        elif not self._note_exchange(message, headers, upstream_vhost):
            return None
        return _encoded(properties, headers)

    def _note_exchange(
        self, message: Delivery, headers: dict[str, Field], upstream_vhost: str
    ) -> bool:
        """Note a link of an exchange; return whether the message may go over it."""
        hops = _hops(headers)
        if len(hops) >= self._link.upstream.max_hops or any(map(self._is_ours, hops)):
            return False
        note = {
            "uri": self._uri,
            "exchange": _text(self._link.upstream_name),
            "redelivered": Field("t", message.redelivered),
            "cluster-name": self._cluster,
            "vhost": _text(upstream_vhost),
        }
        headers[RECEIVED_FROM] = Field("A", [Field("F", note), *hops])
        return True

    def _is_ours(self, hop: Field) -> bool:
        table = hop.value
        if not isinstance(table, dict) or _octets(table, "cluster-name") != self._ours:
            return False
        return _octets(table, "vhost") in {None, self._our_vhost}

    def _note_queue(self, message: Delivery, headers: dict[str, Field]) -> None:
        """Note a link of a queue; one that the message came over before is counted up."""
        queue = _text(self._link.upstream_name)
        visits, others = 0, []
        for hop in _hops(headers):
            table = hop.value
            if (
                isinstance(table, dict)
                and table.get("uri") == self._uri
                and table.get("queue") == queue
            ):
                count = table.get(VISITS)
                held = count.value if count is not None else 0
                visits = held if isinstance(held, int) else 0
            else:
                others.append(hop)
        note = {
            "uri": self._uri,
            "queue": queue,
            "redelivered": Field("t", message.redelivered),
            VISITS: Field("l", min(visits + 1, 2**62)),
        }
        headers[RECEIVED_FROM] = Field("A", [Field("F", note), *others])
        headers.setdefault(ORIGINAL_EXCHANGE, _text(message.exchange))
        headers.setdefault(ORIGINAL_KEY, _text(message.routing_key))


def _hops(headers: Table) -> list[Field]:
    held = headers.get(RECEIVED_FROM)
    return held.value if held is not None and isinstance(held.value, list) else []


def _encoded(properties: Properties, headers: Table) -> bytes:
    properties.set_headers(headers)
    return properties.encode()


def _octets(table: Table, key: str) -> object:
    held = table.get(key)
    return None if held is None else held.value


def _text(text: str) -> Field:
    return longstr(text)

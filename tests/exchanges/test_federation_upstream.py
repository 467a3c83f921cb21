"""The exchange that a downstream binds at its upstream: what goes on, and what does not."""

import pytest

from amqp_server.wire.tables import Field, matched_table
from exchanges.basis import Basis
from exchanges.bindings import Binding, Destination, DestinationKind
from exchanges.errors import InvalidExchangeError
from exchanges.federation_upstream import FederationUpstreamExchange

QUEUE = Destination(DestinationKind.QUEUE, "q")
BINDING = Binding("x", QUEUE, "", {}, b"")
ARGUMENTS = {"x-max-hops": 2, "x-downstream-name": "down", "x-downstream-vhost": "/"}


def hop(cluster: str, vhost: str | None = "/") -> Field:
    told = {"cluster-name": Field("S", cluster.encode())}
    if vhost is not None:
        told["vhost"] = Field("S", vhost.encode())
    return Field("F", told)


def targets(*hops: Field, arguments: dict[str, object] = ARGUMENTS) -> list[Destination]:
    """Return where a message goes that came over these links."""
    exchange = FederationUpstreamExchange(arguments)
    exchange.bind(BINDING)
    headers = matched_table({"x-received-from": Field("A", list(hops))} if hops else {})
    found = exchange.match("any", headers)
    assert found is not None
    pieces = [each for piece in exchange.pieces("any", headers) for each in piece]
    assert pieces == list(found)
    return pieces


def test_a_message_of_here_goes_to_the_downstream() -> None:
    assert targets() == [QUEUE]
    assert FederationUpstreamExchange(ARGUMENTS).basis is Basis.HEADERS


def test_it_goes_over_so_many_links_at_most() -> None:
    assert targets(hop("a")) == [QUEUE]
    assert targets(hop("a"), hop("b")) == []
    assert targets(hop("a"), arguments={}) == []


def test_what_came_from_the_downstream_does_not_go_back() -> None:
    assert targets(hop("down")) == []
    assert targets(hop("down", "other")) == [QUEUE]
    assert targets(hop("down", None)) == []


def test_headers_that_are_none_of_a_link_stop_nothing() -> None:
    exchange = FederationUpstreamExchange(ARGUMENTS)
    exchange.bind(BINDING)
    given: list[object] = ["text", [], 5, None]
    for value in given:
        assert list(exchange.match("k", {"x-received-from": value}) or ()) == [QUEUE]
    odd = matched_table({"x-received-from": Field("A", [Field("S", b"down")])})
    assert list(exchange.match("k", odd) or ()) == [QUEUE]
    exchange.unbind(BINDING)
    assert list(exchange.match("k", None) or ()) == []


def test_the_number_of_links_is_an_integer() -> None:
    with pytest.raises(InvalidExchangeError):
        FederationUpstreamExchange({"x-max-hops": "2"})

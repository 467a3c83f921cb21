"""What a link notes in headers, and what it does not pass on."""

from amqp_server.broker.federation.links import Link
from amqp_server.broker.federation.upstream import made_upstream
from amqp_server.broker.messages.written import written_message
from amqp_server.federation.headers import LinkHeaders
from amqp_server.shovels.incoming import Delivery
from amqp_server.wire.properties import Properties, split
from amqp_server.wire.tables import Field, longstr

URI = "amqp://u:secret@a"


def made(kind: str, **value: object) -> LinkHeaders:
    upstream = made_upstream("u", {"uri": URI, **value}, {})
    link = Link("/", "queue" if kind == "queue" else "exchange", "n", upstream, "p")
    return LinkHeaders(link, URI, "theirs", "ours")


def message(headers: dict[str, Field] | None = None, **properties: object) -> Delivery:
    header = written_message("e", "k", properties, b"").header
    if headers is not None:
        held = split(header)
        held.set_headers(headers)
        header = held.encode()
    return Delivery(1, "e", "k", header, b"", True)


def noted(header: bytes | None) -> Properties:
    assert header is not None
    return split(header)


def hop(cluster: str) -> Field:
    return Field("F", {"cluster-name": longstr(cluster), "vhost": longstr("/")})


def test_a_link_of_an_exchange_is_noted_without_secrets() -> None:
    properties = noted(made("exchange").of(message(content_type="t"), "v"))
    assert properties.text("content_type") == "t"
    note = properties.headers()["x-received-from"].value
    assert isinstance(note, list)
    assert note == [
        Field(
            "F",
            {
                "uri": longstr("amqp://a"),
                "exchange": longstr("n"),
                "redelivered": Field("t", True),
                "cluster-name": longstr("theirs"),
                "vhost": longstr("v"),
            },
        )
    ]


def test_the_last_link_stands_in_front() -> None:
    held = {"x-received-from": Field("A", [hop("first")])}
    note = noted(made("exchange", **{"max-hops": 2}).of(message(held), "/"))
    hops = note.headers()["x-received-from"].value
    assert isinstance(hops, list)
    assert hops[1] == hop("first")


def test_what_went_far_enough_or_was_here_stays() -> None:
    headers = made("exchange", **{"max-hops": 2})
    far = {"x-received-from": Field("A", [hop("a"), hop("b")])}
    ours = {"x-received-from": Field("A", [hop("ours")])}
    assert headers.of(message(far), "/") is None
    assert headers.of(message(ours), "/") is None
    odd = {"x-received-from": Field("A", [longstr("ours")])}
    assert headers.of(message(odd), "/") is not None


def test_the_user_id_goes_unless_it_is_trusted() -> None:
    given = message(user_id="guest")
    assert noted(made("exchange").of(given, "/")).text("user_id") is None
    trusted = made("exchange", **{"trust-user-id": True})
    assert noted(trusted.of(given, "/")).text("user_id") == "guest"


def test_a_link_of_a_queue_counts_its_visits() -> None:
    headers = made("queue")
    once = noted(headers.of(message(), "/")).headers()
    assert once["x-original-exchange"] == longstr("e")
    assert once["x-original-routing-key"] == longstr("k")
    twice = noted(headers.of(message(dict(once)), "/")).headers()
    hops = twice["x-received-from"].value
    assert isinstance(hops, list)
    (only,) = hops
    assert isinstance(only.value, dict)
    assert only.value["visit-count"] == Field("l", 2)
    other = noted(made("queue", queue="m").of(message(dict(twice)), "/")).headers()
    hops = other["x-received-from"].value
    assert isinstance(hops, list)
    assert len(hops) == 2


def test_headers_that_nobody_can_read_stay_as_they_are() -> None:
    held = split(message().header)
    held.raw["headers"] = b"\0\0\0\x03\x01a?"
    given = message()._replace(header=held.encode())
    assert made("exchange").of(given, "/") == given.header

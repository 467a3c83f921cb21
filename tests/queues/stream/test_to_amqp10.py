import pytest

from conformance import fields
from conformance.fields import Typed
from persistence.record import Record
from queues.stream.amqp10 import KEPT_HEADERS
from queues.stream.to_amqp10 import append_messages, to_amqp10
from tests.support.amqp10_messages import PROPERTIES, Value, decode, listed, mapping
from tests.support.memory_runs import in_memory
from tests.support.stream_messages import framed, known_answers, record_of

HEADER = ("durable", "priority", "ttl", "first_acquirer", "delivery_count")
KEPT = KEPT_HEADERS.decode()
Message = dict[str, object]

NOT_TOLD = {
    "content_type UTF-8": "a symbol is ASCII: the octets are in an annotation",
    "content_encoding UTF-8": "a symbol is ASCII",
    "content_type octets": "a symbol is ASCII",
    "content_encoding octets": "a symbol is ASCII",
    "correlation_id octets": "a string is UTF-8",
    "reply_to octets": "a string is UTF-8",
    "message_id octets": "a string is UTF-8",
    "type octets": "a string is UTF-8",
    "app_id octets": "a string is UTF-8",
    "timestamp too large": "it has no milliseconds in 64 bits; RabbitMQ's are negative",
    "header T too large": "as the timestamp",
    "header x- T too large": "as the timestamp",
    "header key not UTF-8": "a key is a string",
    "header x-exchange": "the name of an annotation that is there already",
    "header x-basic-type": "the name of an annotation of a property",
    "header x-stream-offset": "of the stream that the message came from",
    "message_id UUID": "RabbitMQ 3.13 has a uuid, whose digits come back small",
}
"""What no stream client of ours sees as it sees RabbitMQ's, and why; AMQP clients get all of it."""


def message_of(octets: bytes) -> Message:
    """Return the parts of a message as values, header and annotations of ours left out."""
    sections = decode(octets)
    annotations = mapping(sections, "annotations")
    annotations.pop(KEPT, None)
    for name in ("cluster-id",):
        annotations.pop(f"x-basic-{name}", None)
    return {
        "header": listed(sections, "header", HEADER),
        "annotations": annotations,
        "properties": listed(sections, "properties", PROPERTIES),
        "application properties": mapping(sections, "application properties"),
        "body": [section for section in sections if section.name in {"data", "sequence", "value"}],
    }


def as_3_13(message: Message) -> Message:
    """Return what RabbitMQ 3.10 stored the way that 3.13 stores it.

    The latter has durable, priority and ttl in the header section, the type among the annotations,
    the app-id as group-id, and headers ``x-...`` among the annotations. A text is a string if it is
    UTF-8 without a zero and has at most 255 octets, and a URN of a uuid is a uuid.
    """
    annotations = dict(message["annotations"])  # type: ignore[call-overload]
    application = dict(message["application properties"])  # type: ignore[call-overload]
    properties = dict(message["properties"])  # type: ignore[call-overload]
    header = {}
    mode = annotations.pop("x-basic-delivery-mode", None)
    if mode is not None:
        header["durable"] = ("boolean", mode == ("ubyte", 2))
    if (priority := annotations.pop("x-basic-priority", None)) is not None:
        header["priority"] = priority
    if (expiration := annotations.get("x-basic-expiration")) is not None:
        digits = expiration[1]
        if str(int(digits)) == digits and int(digits) < 2**32:
            header["ttl"] = ("uint", int(digits))
            del annotations["x-basic-expiration"]
    if (app_id := application.pop("x-basic-app-id", None)) is not None:
        properties["group_id"] = app_id
    for name in ("message_id", "correlation_id"):
        kind, text = properties.get(name, ("null", None))
        if kind == "string" and text.startswith("urn:uuid:"):
            properties[name] = ("uuid", bytes.fromhex(text[9:].replace("-", "")))
    for key in [key for key in application if key.startswith("x-")]:
        annotations[key] = application.pop(key)
    return {
        **message,
        "header": header,
        "annotations": {key: text_of_3_13(value) for key, value in annotations.items()},
        "properties": properties,
        "application properties": {key: text_of_3_13(value) for key, value in application.items()},
    }


def text_of_3_13(value: Value) -> Value:
    kind, text = value
    if kind != "string":
        return value
    assert isinstance(text, str)
    octets = text.encode()
    return ("binary", octets) if len(octets) > 255 or b"\0" in octets else value


def told(answer: dict[str, str]) -> bytes:
    return to_amqp10(
        b"answers", b"a.key", bytes.fromhex(answer["properties"]), bytes.fromhex(answer["body"])
    )


@pytest.mark.parametrize(
    "answer",
    [
        answer
        for answer in known_answers("published")
        if "message" in answer
        and answer["name"] not in NOT_TOLD
        and "not UTF-8" not in answer["name"]
        and not answer["name"].startswith(("header x- F", "header x- A", "header CC", "header x-d"))
        and not answer["name"].startswith("type amqp-1.0, a ")
    ],
    ids=lambda answer: str(answer["name"]),
)
def test_a_stream_client_reads_what_it_reads_of_rabbitmq(answer: dict[str, str]) -> None:
    assert message_of(told(answer)) == as_3_13(message_of(bytes.fromhex(answer["message"])))


@pytest.mark.parametrize(
    ("table", "annotations"),
    [
        ({"x-k": {"a": 1}}, {"x-k": ("map", [(("symbol", "a"), ("int", 1))])}),
        ({"x-k": ["a", 1]}, {"x-k": ("list", [("string", "a"), ("int", 1)])}),
        ({"CC": ["other"]}, {"x-cc": ("list", [("string", "other")])}),
        ({"x-k": [None, {}]}, {"x-k": ("list", [("null", None), ("map", [])])}),
    ],
)
def test_tables_and_arrays_of_x_headers_are_annotations_as_in_3_13(
    table: fields.Table, annotations: dict[str, Value]
) -> None:
    octets = to_amqp10(b"", b"", fields.properties(headers=table), b"")
    found = mapping(decode(octets), "annotations")
    assert {key: value for key, value in found.items() if key in annotations} == annotations
    assert KEPT not in found


@pytest.mark.parametrize(
    ("table", "kept"),
    [
        ({"k": {"a": 1}}, ["k"]),
        ({"k": ["a"]}, ["k"]),
        ({"k": fields.Typed("D", fields.Decimal(2, 314))}, ["k"]),
        ({"k": "x" * 256}, ["k"]),
        ({"x-k": [Typed("L", 1)]}, ["x-k"]),
        ({"b": ["1"], "x-c": "2" * 256, "a": "3" * 256}, ["x-c", "a", "b"]),
        ({"x-exchange": "e"}, ["x-exchange"]),
        ({"x-basic-type": "e"}, ["x-basic-type"]),
        ({"a": "1", "x-b": "2"}, []),
    ],
)
def test_a_header_that_would_not_come_back_is_kept(table: fields.Table, kept: list[str]) -> None:
    octets = to_amqp10(b"", b"", fields.properties(headers=table), b"")
    found = mapping(decode(octets), "annotations")
    _, octets_kept = found.get(KEPT, ("binary", b""))
    assert isinstance(octets_kept, bytes)
    assert list(fields.Reader(fields.longstr(octets_kept)).table()) == kept


def test_a_body_of_sections_stands_for_itself() -> None:
    properties = fields.properties(type="amqp-1.0")
    for body in (b"\x00\x53\x77\xa1\x02hi", b"\x00\x53\x76\x45\x00\x53\x76\x45"):
        message = to_amqp10(b"", b"", properties, body)
        assert message.endswith(body)
        assert {section.name for section in decode(message)} <= {"annotations", "sequence", "value"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"\x00\x53\x77",
        b"\x00\x53\x75\xa0\x00",
        b"\x00\x53\x77\x40" * 2,
        b"\x00\x53\x76\x40",
        b"\x00\x53\x76\x45\x00\x53\x77\x40",
        b"\x00\x53\x77\xa1\x09hi",
        b"\x00\x53\x77\x00\x00\x00",
    ],
)
def test_a_body_that_is_no_sections_is_data_whatever_its_type_says(body: bytes) -> None:
    sections = decode(to_amqp10(b"", b"", fields.properties(type="amqp-1.0"), body))
    assert sections[-1] == ("data", ("binary", body))
    assert mapping(sections, "annotations")["x-basic-type"] == ("string", "amqp-1.0")


@pytest.mark.parametrize(
    "properties", [b"", b"\x80", b"\x80\x00", b"\x80\x00\x05ab", b"\x20\x00\x00\x00\x00\x09\x01k"]
)
def test_a_list_that_is_cut_short_has_no_more_properties(properties: bytes) -> None:
    sections = decode(to_amqp10(b"e", b"k", properties, b"x"))
    assert [section.name for section in sections] == ["annotations", "data"]


def test_a_table_is_read_up_to_what_is_no_field() -> None:
    table = fields.elements({"a": "1"}) + b"\x01b?" + fields.elements({"c": "3"})
    sections = decode(to_amqp10(b"", b"", fields.properties(headers=table), b""))
    assert mapping(sections, "application properties") == {"a": ("string", "1")}


def test_a_table_too_deep_is_no_field() -> None:
    nested: bytes = b"V"
    for _ in range(66):
        nested = b"A" + len(nested).to_bytes(4) + nested
    table = fields.shortstr("k") + nested
    sections = decode(to_amqp10(b"", b"", fields.properties(headers=table), b""))
    assert KEPT not in mapping(sections, "annotations")


def test_a_run_becomes_entries_behind_what_is_there() -> None:
    one = record_of(fields.properties(headers={"a": "1"}), b"one")
    other = record_of(fields.properties(headers={"a": "2"}), b"other", b"\x00\x01q")
    alike = record_of(fields.properties(headers={"a": "1"}), b"alike")
    data = bytearray(b"before")
    append_messages(data, in_memory([one, alike, other, one]))
    assert data == b"before" + b"".join(
        framed(to_amqp10(exchange, key, record.header[12:], record.body))
        for exchange, key, record in (
            (b"ex", b"key", one),
            (b"ex", b"key", alike),
            (b"", b"q", other),
            (b"ex", b"key", one),
        )
    )


def test_every_view_of_a_run_becomes_its_entries() -> None:
    records = [record_of(fields.properties(priority=n), bytes([n])) for n in range(5)]
    data, others = bytearray(), bytearray()
    append_messages(data, in_memory(records)[::-2])
    append_messages(others, records[::-2])
    assert data == others
    append_messages(data, [])
    assert data == others


def test_the_filter_values_of_a_run_are_told() -> None:
    def of(value: object) -> bytes:
        return fields.properties(headers={"x-stream-filter-value": value})

    records = [record_of(of("eu"), b"1"), record_of(of("us"), b"2"), record_of(of("eu"), b"3")]
    assert append_messages(bytearray(), in_memory(records))[0] == {b"eu", b"us"}
    records += [record_of(fields.properties(), b"4"), record_of(of(5), b"5")]
    assert append_messages(bytearray(), in_memory(records))[0] == {b"eu", b"us", b""}


def test_the_publishing_ids_of_a_run_are_told() -> None:
    def of(**headers: object) -> Record:
        named = {f"x-{key.replace('_', '-')}": value for key, value in headers.items()}
        return record_of(fields.properties(headers=named), b"")

    records = [
        of(stream_publisher="meter", stream_publishing_id=5),
        of(stream_publisher="meter", stream_publishing_id=5),
        of(stream_publishing_id=6),
        of(stream_publisher="meter"),
        of(stream_publisher=b"octets", stream_publishing_id=7),
        of(stream_publisher="", stream_publishing_id=8),
        of(stream_publisher="dead", stream_publishing_id=9, death=[]),
        of(stream_publishing_id="text", stream_publisher="other"),
    ]
    assert append_messages(bytearray(), in_memory(records))[1] == [
        (0, b"meter", b"I\x00\x00\x00\x05"),
        (1, b"meter", b"I\x00\x00\x00\x05"),
        (7, b"other", b"S\x00\x00\x00\x04text"),
    ]

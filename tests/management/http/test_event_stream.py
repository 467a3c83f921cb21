"""The octets of a stream of events."""

from management.http.event_stream import event


def test_an_event_is_its_lines_and_an_empty_one() -> None:
    assert event({"a": 1}) == b'data: {"a":1}\n\n'
    assert event({"a": 1}, "lag", 7) == b'id: 7\nevent: lag\ndata: {"a":1}\n\n'


def test_no_text_begins_a_line_of_its_own() -> None:
    assert event("a\n\ndata: forged\r").count(b"\n") == 2

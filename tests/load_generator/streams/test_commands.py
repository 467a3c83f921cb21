"""The octets of commands."""

import struct

import pytest

from load_generator.load import Streaming
from load_generator.streams import commands
from load_generator.wire import LoadError

PLAIN = Streaming()


def test_a_publish_numbers_its_entries_and_sends_data_sections() -> None:
    octets = commands.publish(3, b"ab", 2, PLAIN, 0)
    entry = struct.pack(">I", 7) + b"\x00\x53\x75\xa0\x02ab"
    items = struct.pack(">Q", 0) + entry + struct.pack(">Q", 1) + entry
    body = b"\x03" + struct.pack(">I", 2) + items
    assert octets == struct.pack(">IHH", len(body) + 4, commands.PUBLISH, 1) + body


def test_a_long_body_has_a_long_size() -> None:
    assert commands.message(bytes(256))[:8] == b"\x00\x53\x75\xb0" + struct.pack(">I", 256)


def test_filter_values_take_turns_in_version_2() -> None:
    octets = commands.publish(0, b"", 3, Streaming(filter_values=("x", "y")), 0)
    assert octets[6:8] == b"\x00\x02"
    values = [octets[21 + at * 20 + 2 : 21 + at * 20 + 3] for at in range(3)]
    assert values == [b"x", b"y", b"x"]


def test_sub_entries_are_numbered_not_their_messages() -> None:
    octets = commands.publish(0, b"ab", 4, Streaming(sub_entry_count=2), 0)
    inside = (struct.pack(">I", 7) + b"\x00\x53\x75\xa0\x02ab") * 2
    sub_entry = struct.pack(">BHII", 0x80, 2, len(inside), len(inside)) + inside
    items = struct.pack(">Q", 0) + sub_entry + struct.pack(">Q", 1) + sub_entry
    assert octets[8:] == b"\x00" + struct.pack(">I", 2) + items


@pytest.mark.parametrize(
    ("offset", "octets"),
    [
        ("first", b"\x00\x01"),
        ("last", b"\x00\x02"),
        ("next", b"\x00\x03"),
        ("77", b"\x00\x04" + struct.pack(">Q", 77)),
        ("@1.5", b"\x00\x05" + struct.pack(">q", 1_500)),
    ],
)
def test_offsets(offset: str, octets: bytes) -> None:
    assert commands.offset_spec(offset) == octets


@pytest.mark.parametrize("offset", ["", "soon", "-1", "@", "@nan", "@inf", "@1e30", str(1 << 63)])
def test_no_offsets(offset: str) -> None:
    with pytest.raises(LoadError, match="--offset"):
        commands.offset_spec(offset)


def test_a_refusal_says_code_and_text() -> None:
    closed = commands.Frame(
        commands.CLOSE, bytes(4) + struct.pack(">H", 14) + commands.string("frame too large")
    )
    assert str(commands.refusal(closed)) == "14 frame too large"
    missing = commands.Frame(
        commands.SUBSCRIBE | commands.RESPONSE, struct.pack(">IH", 1, commands.STREAM_MISSING)
    )
    assert str(commands.refusal(missing)) == "command 0x07: code 2"


def test_a_string_has_its_limit() -> None:
    with pytest.raises(LoadError, match="32767"):
        commands.string("x" * 0x8000)

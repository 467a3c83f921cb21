"""Streams of frames as hypothesis draws them: right, wrong, whole and in pieces."""

from hypothesis import strategies as st
from pamqp import commands

from tests.support.frames import (
    BODY,
    HEADER,
    HEARTBEAT,
    METHOD,
    ack_frame,
    content_frames,
    content_header,
    frame,
    method_frame,
    property_list,
    publish_payload,
)

LIMIT = 64
CHANNELS = st.sampled_from([1, 1, 1, 2])
PROPERTIES = st.sampled_from(
    [b"\x00\x00"] * 3
    + [property_list(delivery_mode=2), property_list(expiration="5"), b"\x80\x00", b"\x00\x01"]
)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Draw a publish with its content: whole, in pieces, or over the limit."""
    channel = draw(CHANNELS)
    method = frame(METHOD, channel, publish_payload("", draw(st.sampled_from(["a", "b"]))))
    body = draw(st.sampled_from([b"", b"x", b"yy", b"z" * 30, b"w" * 60, b"v" * 70]))
    piece_bytes = draw(st.sampled_from([7, LIMIT, LIMIT, LIMIT]))
    return method + content_frames(channel, body, draw(PROPERTIES), piece_bytes)


ACKS = st.builds(ack_frame, CHANNELS, st.integers(1, 5), multiple=st.booleans())
OTHERS = st.sampled_from(
    [
        frame(HEARTBEAT, 0, b""),
        method_frame(1, commands.Basic.Qos),
        frame(METHOD, 1, publish_payload()[:5]),
        frame(HEADER, 1, content_header(3)),
        frame(BODY, 1, b"abc"),
        frame(BODY, 1, b""),
    ]
)
WRONG = st.sampled_from(
    [frame(BODY, 1, b"x" * (LIMIT + 1)), frame(9, 1, b""), frame(METHOD, 1, b"abcd", end=b"\x00")]
)
FRAMES = st.one_of(messages(), messages(), ACKS, OTHERS)
STREAMS = st.builds(
    lambda good, wrong, more: b"".join([*good, *wrong, *more]),
    st.lists(FRAMES, max_size=12),
    st.lists(WRONG, max_size=1),
    st.lists(FRAMES, max_size=3),
)

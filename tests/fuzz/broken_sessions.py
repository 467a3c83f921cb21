"""What the fuzzer feeds: sessions of real clients and of ours, broken by a seed.

A case is a list of reads. The same seed and number make the same case in every process.
"""

import base64
from collections.abc import Callable
from pathlib import Path
from random import Random

from pamqp import commands

from tests.fuzz.broken_messages import broken_messages
from tests.support.frames import (
    BODY,
    FRAME_END,
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
from tests.support.sessions import DECLARES, HANDSHAKE, PUBLISHES, WHOLE

CLIENT_SESSIONS = Path(__file__).with_name("client_sessions.txt")
"""What real clients sent to declare, publish, get and ack: a line each, name and base64."""

HEAD_BYTES = 7
PROTOCOL_HEADER_BYTES = 8
READS_MAX = 60
MESSAGES_OF_EIGHT = 3
"""Which of eight cases is messages; the last is a session, all others are streams of octets."""
STREAM_PAYLOAD_MAX_BYTES = 64

PROPERTIES: tuple[dict[str, object], ...] = (
    {},
    {},
    {"delivery_mode": 2},
    {"expiration": "5"},
    {"expiration": "x"},
    {"priority": 9, "reply_to": "amq.rabbitmq.reply-to"},
    {"headers": {"CC": ["q"], "n": 1}},
    {"headers": {"deep": [{"list": [1, {"a": None}]}]}, "timestamp": 2**63},
    {"user_id": "guest", "content_type": "t"},
)


def split(octets: bytes) -> list[bytes]:
    """Return the protocol header, if there is one, and the frames; what is no frame comes last."""
    at = PROTOCOL_HEADER_BYTES if octets.startswith(b"AMQP") else 0
    frames = [octets[:at]]
    while at < len(octets):
        end = at + HEAD_BYTES + int.from_bytes(octets[at + 3 : at + HEAD_BYTES], "big") + 1
        frames.append(octets[at:end])
        at = end
    return [part for part in frames if part]


def client_sessions() -> list[list[bytes]]:
    """Return the recorded sessions, frame by frame."""
    lines = CLIENT_SESSIONS.read_text(encoding="ascii").splitlines()
    return [split(base64.b64decode(line.split()[1])) for line in lines]


SESSIONS = [[*HANDSHAKE, *WHOLE], [*HANDSHAKE, *WHOLE], *client_sessions()]


def any_frame(chance: Random) -> bytes:
    """Return one frame, or one message, of the kinds that the scanner tells apart."""
    channel = chance.choice([1, 1, 1, 2])
    body = bytes(chance.choice([b"", b"x", b"yy", b"z" * 30, b"w" * 60, b"v" * 70]))
    piece_bytes = chance.choice([7, 64, 64, 64])
    publish = publish_payload("", chance.choice(["a", "b", "jobs"]), chance.choice([0, 0, 1]))
    properties = property_list(**chance.choice(PROPERTIES))
    message = frame(METHOD, channel, publish) + content_frames(
        channel, body, properties, piece_bytes
    )
    others = (
        ack_frame(channel, chance.randint(0, 6), multiple=chance.random() < 0.2),
        b"".join(ack_frame(channel, tag) for tag in range(1, chance.randint(2, 9))),
        frame(HEARTBEAT, 0, b""),
        method_frame(channel, commands.Basic.Qos, prefetch_count=chance.randint(0, 3)),
        method_frame(channel, commands.Basic.Nack, delivery_tag=chance.randint(0, 6)),
        frame(METHOD, channel, publish[: chance.randint(0, len(publish))]),
        frame(HEADER, channel, content_header(chance.choice([0, 3, 2**63]))),
        frame(BODY, channel, body),
        frame(chance.randint(0, 9), channel, chance.randbytes(chance.randint(0, 20))),
    )
    return message * chance.choice([1, 1, 2, 5]) if chance.random() < 0.6 else chance.choice(others)


def _flip(frames: list[bytes], at: int, chance: Random) -> None:
    octets = bytearray(frames[at])
    for _ in range(chance.randint(1, 3)):
        octets[chance.randrange(len(octets))] = chance.choice(
            [0, 1, 0xCE, 255, chance.randrange(256)]
        )
    frames[at] = bytes(octets)


def _refill(frames: list[bytes], at: int, chance: Random) -> None:
    """Change the payload and keep the frame right, so that what is wrong is found late."""
    octets = frames[at]
    if len(octets) > HEAD_BYTES + 1 and octets[-1:] == FRAME_END:
        payload = bytearray(octets[HEAD_BYTES:-1])
        start = chance.randrange(len(payload))
        payload[start : start + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 6))
        channel = int.from_bytes(octets[1:3], "big")
        frames[at] = frame(octets[0], channel, bytes(payload))


def _cut(frames: list[bytes], at: int, chance: Random) -> None:
    frames[at] = frames[at][: chance.randrange(len(frames[at])) + 1]


def _drop(frames: list[bytes], at: int, chance: Random) -> None:
    if len(frames) > 1:
        del frames[at]


def _double(frames: list[bytes], at: int, chance: Random) -> None:
    frames[at:at] = [frames[at]] * chance.randint(1, 3)


def _swap(frames: list[bytes], at: int, chance: Random) -> None:
    other = chance.randrange(len(frames))
    frames[at], frames[other] = frames[other], frames[at]


def _insert(frames: list[bytes], at: int, chance: Random) -> None:
    frames[at:at] = [any_frame(chance) for _ in range(chance.randint(1, 8))]


def _splice(frames: list[bytes], at: int, chance: Random) -> None:
    donor = chance.choice([DECLARES, PUBLISHES, chance.choice(SESSIONS)])
    start = chance.randrange(len(donor))
    frames[at:at] = donor[start : start + chance.randint(1, 6)]


ACCIDENTS: tuple[Callable[[list[bytes], int, Random], None], ...] = (
    _flip,
    _refill,
    _refill,
    _cut,
    _drop,
    _double,
    _swap,
    _insert,
    _insert,
    _splice,
)


def settlement(chance: Random, delivery_tag: int) -> bytes:
    """Return the ack, nack or reject of a delivery, mostly the first."""
    match chance.choice(["ack"] * 12 + ["multiple", "nack", "reject"]):
        case "ack":
            return ack_frame(1, delivery_tag)
        case "multiple":
            return ack_frame(1, delivery_tag, multiple=True)
        case "nack":
            nack = {"delivery_tag": delivery_tag, "multiple": chance.random() < 0.2}
            return method_frame(1, commands.Basic.Nack, requeue=chance.random() < 0.5, **nack)
        case _:
            requeue = chance.random() < 0.5
            return method_frame(
                1, commands.Basic.Reject, delivery_tag=delivery_tag, requeue=requeue
            )


def busy_session(chance: Random) -> list[bytes]:
    """Return a session that is all deliveries, settled in nearly any order, and confirms."""
    frames = [
        *HANDSHAKE,
        method_frame(1, commands.Channel.Open),
        method_frame(1, commands.Queue.Declare, queue="jobs"),
        method_frame(1, commands.Basic.Qos, prefetch_count=chance.choice([0, 0, 3, 70])),
        method_frame(1, commands.Basic.Consume, queue="jobs", consumer_tag="c"),
        method_frame(1, commands.Confirm.Select),
    ]
    first_tag = 1
    for _ in range(chance.randint(1, 4)):
        count = chance.choice([1, 3, 10, 70, 140])
        body = b"." * chance.choice([0, 12, 12, 300])
        message = frame(METHOD, 1, publish_payload()) + content_frames(
            1, body, property_list(**chance.choice(PROPERTIES[:4]))
        )
        frames += [message] * count
        tags = list(range(first_tag, first_tag + count))
        first_tag += count
        for _ in range(chance.choice([0, 1, 3, count])):
            at, other = chance.randrange(count), chance.randrange(count)
            tags[at], tags[other] = tags[other], tags[at]
        stop = chance.choice([count, count, count // 2])
        # One kind for all: a multiple among them soon makes a tag unknown.
        if chance.random() < 0.7:
            frames += [ack_frame(1, tag) for tag in tags[:stop]]
            frames += [ack_frame(1, tags[-1], multiple=True)] * (stop < count)
        else:
            frames += [settlement(chance, tag) for tag in tags[:stop]]
    return frames


def broken_session(chance: Random) -> list[bytes]:
    """Return the reads of a whole session after some accidents, most of them after log-in."""
    is_busy = chance.random() < 0.4
    frames = busy_session(chance) if is_busy else list(chance.choice(SESSIONS))
    first = chance.choice([0, len(HANDSHAKE), len(HANDSHAKE)])
    for _ in range(chance.randint(0, 2 if is_busy else 6)):
        at = chance.randrange(min(first, len(frames) - 1), len(frames))
        chance.choice(ACCIDENTS)(frames, at, chance)
    return cut_anywhere(b"".join(frames), chance)


def broken_stream(chance: Random) -> list[bytes]:
    """Return the reads of a few frames, as the scanner alone sees them."""
    frames = [any_frame(chance) for _ in range(chance.randint(1, 14))]
    for _ in range(chance.randint(0, 3)):
        chance.choice(ACCIDENTS[:-1])(frames, chance.randrange(len(frames)), chance)
    return cut_anywhere(b"".join(frames), chance)


def cut_anywhere(octets: bytes, chance: Random) -> list[bytes]:
    """Return bytes in at most ``READS_MAX`` reads; often in one, as a busy client's arrive."""
    cuts = chance.choice([0, 1, 3, READS_MAX - 1])
    places = sorted(chance.randrange(len(octets) + 1) for _ in range(cuts))
    stops = [*places, len(octets)]
    return [octets[start:stop] for start, stop in zip([0, *places], stops, strict=True)]


def case_of(seed: int, number: int) -> tuple[str, list[bytes]]:
    """Return a case and its reads: ``session``, ``stream``, or ``messages`` of a stream."""
    chance = Random(f"{seed}/{number}")
    if number % 8 == MESSAGES_OF_EIGHT:
        return "messages", broken_messages(chance)
    if number % 8:
        return "stream", broken_stream(chance)
    return "session", broken_session(chance)

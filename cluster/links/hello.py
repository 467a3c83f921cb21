"""The first envelope of each side: who it is, what it speaks, and how much it takes.

    0             8         10            12            14
    | "HAREMQ L"  | purpose | version_min | version_max | incarnation | live_bytes
    | catch_up_bytes | stream_bytes | run_bytes_max | snapshot_bytes_max | nonce, 32 octets
    | bytes u16, text | ... 3 more texts: cluster, node, disk, the node that is meant

Purpose and versions are u16, numbers u64, all little-endian. Texts are UTF-8.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from cluster.links.errors import LinkError
from cluster.links.kinds import Purpose
from cluster.links.settings import WINDOW_BYTES_MIN, WINDOWS, Windows

MAGIC: Final = b"HAREMQ L"
NONCE_BYTES: Final = 32
TEXT_BYTES_MAX: Final = 255
VERSION_MIN: Final = 1
VERSION_MAX: Final = 1
MIRRORING_VERSION_MAX: Final = 3
"""Of links for mirroring: the second one has FOLLOW and COMMIT_NOTE, the third LET_GO."""

FOLLOWS_FROM: Final = 2
LETS_GO_FROM: Final = 3

ASKING_VERSION_MAX: Final = 2
"""Of links for asking: the second one has ids of streams in what is said of groups."""

STREAM_IDS_FROM: Final = 2

_FIXED: Final = Struct("<8sHHH6Q32s")
_PURPOSE: Final = Struct("<8sH")
_TEXT: Final = Struct("<H")
_TEXTS_COUNT: Final = 4
_PURPOSES: Final = frozenset(Purpose)

HELLO_BYTES_MAX: Final = _FIXED.size + _TEXTS_COUNT * (_TEXT.size + TEXT_BYTES_MAX)


@dataclass(frozen=True, slots=True)
class Hello:
    """What a node says of itself.

    Attributes:
        incarnation: the create revision of its ``live`` key; 0 before it has one.
        meant: the node that a dialer wants to reach; empty where a listener answers.
        purpose: what the link is for.
    """

    cluster: str
    node: str
    disk: str
    incarnation: int
    meant: str
    nonce: bytes
    windows: Windows = WINDOWS
    version_min: int = VERSION_MIN
    version_max: int = VERSION_MAX
    purpose: Purpose = Purpose.MIRRORING


def encode_hello(hello: Hello) -> bytes:
    """Return the body of a HELLO."""
    windows = hello.windows
    fixed = _FIXED.pack(
        MAGIC,
        hello.purpose,
        hello.version_min,
        hello.version_max,
        hello.incarnation,
        windows.live_bytes,
        windows.catch_up_bytes,
        windows.stream_bytes,
        windows.run_bytes_max,
        windows.snapshot_bytes_max,
        hello.nonce,
    )
    texts = [text.encode() for text in (hello.cluster, hello.node, hello.disk, hello.meant)]
    return fixed + b"".join([_TEXT.pack(len(text)) + text for text in texts])


def decode_hello(body: memoryview) -> Hello:
    """Return what the other node says of itself.

    Raises:
        LinkError: it is broken, or no hello of a link.
    """
    if len(body) < _FIXED.size:
        raise LinkError("a hello that is too short")
    magic, purpose, least, most, incarnation, *numbers, nonce = _FIXED.unpack_from(body)
    if magic != MAGIC:
        raise LinkError("not a link of HareMQ")
    if purpose not in _PURPOSES:
        raise LinkError(f"a link of purpose {purpose}, which this release does not know")
    if not 0 < least <= most:
        raise LinkError(f"versions {least} to {most}")
    windows = Windows(*numbers)
    if min(windows.of_lanes()) < WINDOW_BYTES_MIN:
        raise LinkError(f"windows of {windows.of_lanes()} octets")
    texts, at = [], _FIXED.size
    for _ in range(_TEXTS_COUNT):
        text, at = _text_at(body, at)
        texts.append(text)
    if at != len(body):
        raise LinkError(f"{len(body) - at} octets behind a hello")
    cluster, node, disk, meant = texts
    return Hello(
        cluster, node, disk, incarnation, meant, nonce, windows, least, most, Purpose(purpose)
    )


def purpose_of(body: memoryview) -> int | None:
    """Return what a hello is for, whatever else it says; None where it is none."""
    if len(body) < _PURPOSE.size:
        return None
    magic, purpose = _PURPOSE.unpack_from(body)
    return int(purpose) if magic == MAGIC else None


def _text_at(body: memoryview, at: int) -> tuple[str, int]:
    begins_at = at + _TEXT.size
    if len(body) < begins_at:
        raise LinkError("a hello that is too short")
    (size,) = _TEXT.unpack_from(body, at)
    ends_at = begins_at + size
    if size > TEXT_BYTES_MAX or len(body) < ends_at:
        raise LinkError(f"a text of {size} octets in a hello")
    try:
        return str(body[begins_at:ends_at], "utf-8"), ends_at
    except UnicodeDecodeError:
        raise LinkError("a text that is not UTF-8") from None

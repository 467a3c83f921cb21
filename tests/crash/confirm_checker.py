"""Judges the confirms of channels: each publish answered once, in time, and after its return."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import takewhile
from typing import Final, NamedTuple

ANSWERED_WITHIN_MS: Final = 30_000


class Frame(Enum):
    """What passed on a channel in confirm mode."""

    PUBLISH = auto()
    ACK = auto()
    NACK = auto()
    RETURN = auto()
    """basic.return has no tag: the program knows it by the message."""
    CLOSE = auto()


class Event(NamedTuple):
    """A frame, as the program saw it.

    Attributes:
        tag: the publish sequence number, from 1; of CLOSE 0.
        multiple: of ACK and NACK: up to this tag and not only it.
    """

    at_ms: int
    channel: int
    frame: Frame
    tag: int
    multiple: bool = False


class Violation(NamedTuple):
    """A fault in the answer to a publish."""

    channel: int
    tag: int
    text: str


@dataclass(slots=True)
class _Channel:
    published_count: int = 0
    awaited: dict[int, int] = field(default_factory=dict)  # tag to when it was published, ascending
    is_closed: bool = False


def check_confirms(
    events: Iterable[Event], end_ms: int, *, answered_within_ms: int = ANSWERED_WITHIN_MS
) -> list[Violation]:
    """Return what is wrong, in the order it was seen; what was never answered comes last.

    Args:
        events: of any number of channels, in the order they were seen.
        end_ms: when watching ended.
        answered_within_ms: the time that an answer may take.
    """
    channels: defaultdict[int, _Channel] = defaultdict(_Channel)
    violations: list[Violation] = []
    for event in events:
        violations += [
            Violation(event.channel, tag, text)
            for tag, text in _step(channels[event.channel], event, answered_within_ms)
        ]
    for number, channel in channels.items():
        violations += [
            Violation(number, tag, "was never answered")
            for tag, at_ms in channel.awaited.items()
            if not channel.is_closed and end_ms - at_ms > answered_within_ms
        ]
    return violations


def _step(channel: _Channel, event: Event, within_ms: int) -> Iterable[tuple[int, str]]:
    tag = event.tag
    if channel.is_closed:
        yield tag, "came after the channel was closed"
    elif event.frame is Frame.PUBLISH:
        channel.published_count += 1
        assert tag == channel.published_count, "publishes are numbered from 1, without a gap"
        channel.awaited[tag] = event.at_ms
    elif event.frame is Frame.CLOSE:
        channel.is_closed = True
    elif not 0 < tag <= channel.published_count:
        yield tag, "was answered and never published"
    elif tag not in channel.awaited:
        yield tag, "returned after its answer" if event.frame is Frame.RETURN else "answered twice"
    elif event.frame is not Frame.RETURN:
        up_to_tag = takewhile(lambda each: each <= tag, channel.awaited)
        covered = list(up_to_tag) if event.multiple else [tag]
        for each in covered:
            if event.at_ms - channel.awaited.pop(each) > within_ms:
                yield each, "was answered too late"

"""What a client may listen to: feeds, as they stand in a request.

    overview;alarms;queues:/:orders,/:invoices

A name with ``;``, ``,``, ``:`` or ``%`` in it is percent-encoded once more.
"""

from typing import Final, NamedTuple

from management.access.account import Account
from management.http.errors import bad_request, not_authorised
from management.http.request import decoded

FEEDS_MAX: Final = 100
"""Feeds of one stream."""

OVERVIEW: Final = "overview"
NODE: Final = "nodes"
ALARMS: Final = "alarms"
ATTENTION: Final = "attention"
QUEUES: Final = "queues"

_PLAIN: Final = frozenset({OVERVIEW, NODE, ALARMS, ATTENTION})


class Feed(NamedTuple):
    """Something that is listened to.

    Attributes:
        kind: ``overview``, ``nodes``, ``alarms``, ``attention`` or ``queues``.
        vhost, name: of a queue; empty for the others.
    """

    kind: str
    vhost: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """The feed as events name it."""
        return f"{self.kind}:{self.vhost}:{self.name}" if self.kind == QUEUES else self.kind


def feeds_of(text: str) -> tuple[Feed, ...]:
    """Return the feeds of a request, each once.

    Raises:
        HttpError: 400, one is none of ours, or there are none, or too many.
    """
    feeds: dict[Feed, None] = {}
    for part in text.split(";"):
        kind, _, rest = part.partition(":")
        if kind in _PLAIN and not rest:
            feeds[Feed(kind)] = None
        elif kind == QUEUES and rest:
            for place in rest.split(","):
                vhost, colon, name = place.partition(":")
                if not colon:
                    raise bad_request(f"topics: '{place}' is no vhost and queue")
                feeds[Feed(kind, decoded(vhost), decoded(name))] = None
        elif part:
            raise bad_request(f"topics: '{part}' is unknown")
    if not 0 < len(feeds) <= FEEDS_MAX:
        raise bad_request(f"topics: expected 1 to {FEEDS_MAX}")
    return tuple(feeds)


def require_feeds(feeds: tuple[Feed, ...], account: Account) -> None:
    """Refuse what a user may never listen to; the vhosts of queues are looked at again and again.

    Raises:
        HttpError: 401.
    """
    if Feed(NODE) in feeds and not account.is_monitor:
        raise not_authorised("Not monitor user")

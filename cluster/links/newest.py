"""One link for each other node and direction: the newest."""

from collections import Counter
from typing import Generic, Protocol, TypeVar

from cluster.links.hello import Hello


class Opened(Protocol):
    """A connection that has been opened, or one of its ends."""

    @property
    def is_dialer(self) -> bool:
        """Whether this node has dialled."""

    @property
    def reason(self) -> str | None:
        """Why it has ended; None: it has not."""

    @property
    def peer(self) -> Hello | None:
        """What the other node says of itself; None before it has said so."""

    def close(self, reason: str) -> None:
        """End it; its owner hears of that before this returns."""


Link = TypeVar("Link", bound=Opened)


class NewestLinks(Generic[Link]):
    """The links of one kind, by node.

    Attributes:
        dialed: those that this node has dialled.
        accepted: those that it has accepted.
        dialed_counts: how many were dialled and have been open, by node.
    """

    def __init__(self) -> None:
        self.dialed: dict[str, Link] = {}
        self.accepted: dict[str, Link] = {}
        self.dialed_counts: Counter[str] = Counter()

    def take(self, link: Link, node: str) -> bool:
        """Put a link that has opened in the place of an older one, which is half open.

        The end of the older one is told first. What is told may end the new one as well.

        Returns:
            Whether the link is there now.
        """
        links = self._like(link)
        older = links.get(node)
        if older is not None:
            older.close("a newer connection takes its place")
        if link.reason is not None:
            return False
        links[node] = link
        self.dialed_counts[node] += link.is_dialer
        return True

    def drop(self, link: Link) -> bool:
        """Forget a link that has ended; return whether it was there."""
        peer, links = link.peer, self._like(link)
        if peer is None or links.get(peer.node) is not link:
            return False
        del links[peer.node]
        return True

    def _like(self, link: Link) -> dict[str, Link]:
        return self.dialed if link.is_dialer else self.accepted

"""The octets that wait to leave, of all front links of a node: no slow node fills its memory.

Where they are too many, those links are shut that hold their share of them or more. A link that
holds less goes on.
"""

from typing import Protocol


class Holder(Protocol):
    """A link, as the bound sees it."""

    @property
    def waiting_bytes(self) -> int:
        """How many octets of records wait to leave."""


class NodeRoom:
    """What all links together hold.

    Attributes:
        bytes_max: above it links are shut.
        total_bytes: of all links.
    """

    def __init__(self, bytes_max: int) -> None:
        """Begin with nothing."""
        self.bytes_max = bytes_max
        self.total_bytes = 0
        self._held: dict[Holder, int] = {}

    def join(self, link: Holder) -> None:
        """A link is open."""
        self._held[link] = 0

    def leave(self, link: Holder) -> None:
        """A link has ended, and holds nothing any more."""
        self.total_bytes -= self._held.pop(link, 0)

    def add(self, link: Holder, octets: int) -> None:
        """A link holds more, or less where ``octets`` are below 0."""
        if octets and link in self._held:
            self._held[link] += octets
            self.total_bytes += octets

    def is_shut(self, link: Holder) -> bool:
        """Return whether a link should hold no more."""
        if self.total_bytes < self.bytes_max:
            return False
        return self._held.get(link, 0) * len(self._held) >= self.bytes_max

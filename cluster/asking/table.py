"""The asking links of one node: to those that it asks, and from those that ask it.

There is one for each other node and direction. A newer one takes the place of an older one: that is
half open.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol, TypeAlias

from cluster.asking.connection import AskingLink
from cluster.links.handshake import Handshake, Trust
from cluster.links.hello import ASKING_VERSION_MAX, Hello
from cluster.links.kinds import Purpose
from cluster.links.newest import NewestLinks
from cluster.links.settings import LinkSettings

SayHello: TypeAlias = Callable[[str], Hello]
"""Returns what this node says now, with a fresh nonce: the node that is meant, or ''."""

ASKING_SETTINGS: Final = LinkSettings()


class Questioning(Protocol):
    """Who asks and answers on a node."""

    def link_opened(self, node: str) -> None:
        """Another node may be asked."""

    def asked(self, link: AskingLink, number: int, subject: str, octets: bytes) -> None:
        """Another node asks; one ``link.answer(number, ...)`` follows, now or later."""

    def answered(self, link: AskingLink, number: int, octets: bytes, *, is_refusal: bool) -> None:
        """Another node has answered."""

    def link_ended(self, link: AskingLink, reason: str) -> None:
        """What is open on a link has no answer."""


class AskingTable:
    """The ``Owner`` of the asking links of a node."""

    def __init__(
        self,
        questioning: Questioning,
        say_hello: SayHello,
        trust: Trust,
        settings: LinkSettings = ASKING_SETTINGS,
    ) -> None:
        """Begin without a link.

        Args:
            questioning: of this node.
            say_hello: what it says of itself; purpose and versions are put in here.
            trust: what another node must show.
            settings: of its asking links.
        """
        self._questioning = questioning
        self._say_hello = say_hello
        self._trust = trust
        self.settings = settings
        self._links: NewestLinks[AskingLink] = NewestLinks()

    def link_to(self, node: str) -> AskingLink | None:
        """Return the link on which a node is asked; None without one."""
        return self._links.dialed.get(node)

    def is_open(self, node: str) -> bool:
        """Return whether a node may be asked now."""
        return node in self._links.dialed

    def opened_count(self, node: str) -> int:
        """Return how many links to a node have been open."""
        return self._links.dialed_counts[node]

    def make(self, meant: str, names: frozenset[str] | None, now_ms: int) -> AskingLink:
        """Return an end of a new connection.

        Args:
            meant: the node that is dialled; empty for a listener's end.
            names: in the other side's certificate; None without TLS.
            now_ms: the instant.
        """
        hello = self._say_hello(meant)
        hello = replace(hello, purpose=Purpose.ASKING, version_max=ASKING_VERSION_MAX)
        is_dialer = bool(meant)
        handshake = Handshake(hello, self._trust, is_dialer=is_dialer, certificate_names=names)
        return AskingLink(self, handshake, self.settings, is_dialer=is_dialer, now_ms=now_ms)

    def make_accepted(self, names: frozenset[str] | None, now_ms: int) -> AskingLink:
        """Return a listener's end; a ``MakeLink`` for ``cluster.links.doorway``."""
        return self.make("", names, now_ms)

    # ---- what connections say ----

    def opened(self, link: AskingLink, peer: Hello) -> None:
        """A newer connection takes the place of an older one."""
        if self._links.take(link, peer.node) and link.is_dialer:
            self._questioning.link_opened(peer.node)

    def asked(self, link: AskingLink, number: int, subject: str, octets: bytes) -> None:
        """Hand a question on."""
        self._questioning.asked(link, number, subject, octets)

    def answered(self, link: AskingLink, number: int, octets: bytes, *, is_refusal: bool) -> None:
        """Hand an answer on."""
        self._questioning.answered(link, number, octets, is_refusal=is_refusal)

    def closed(self, link: AskingLink, reason: str) -> None:
        """Forget a link; who waits for its answers hears of it."""
        self._links.drop(link)
        self._questioning.link_ended(link, reason)

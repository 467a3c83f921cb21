"""How two nodes prove to each other that they belong to one cluster.

    dialer ── HELLO(nonce) ─▶ listener        who I am, and whom I mean
    dialer ◀─ HELLO(nonce) ── listener
    dialer ── PROOF ────────▶ listener        HMAC of both hellos, with the secret of the cluster
    dialer ◀─ PROOF ───────── listener        only after the other proof held

The secret never travels. A proof covers both nonces, so it is of no use on another connection, and
the side that made it, so it cannot be sent back. With TLS the certificate may have to name the node
as well, or alone where there is no secret. Without TLS who sits between can read and change what
follows: such links belong into a network of their own.
"""

import hmac
from dataclasses import dataclass
from typing import Final, Protocol

from cluster.links.errors import LinkError
from cluster.links.hello import NONCE_BYTES, Hello, decode_hello, encode_hello
from cluster.links.kinds import Kind

PROOF_BYTES: Final = 32
_DIALER: Final = b"haremq link dialer\0"
_LISTENER: Final = b"haremq link listener\0"


class Admit(Protocol):
    """Returns why a node may not link to this one; None where it may."""

    def __call__(self, peer: Hello) -> str | None:
        """Look at what it says of itself."""


def admit_all(peer: Hello) -> str | None:
    """Admit every node of the cluster."""
    del peer
    return None


@dataclass(frozen=True, slots=True)
class Trust:
    """What makes a node of the cluster believe another.

    Attributes:
        secret: of the cluster; empty where certificates alone count.
        needs_certificate: its TLS certificate must name the node.
        admit: the last word, before a proof is asked for.
    """

    secret: bytes
    needs_certificate: bool = False
    admit: Admit = admit_all

    def __post_init__(self) -> None:
        """Refuse to trust everybody."""
        if not self.secret and not self.needs_certificate:
            raise ValueError("a link needs a secret, or certificates")


class Handshake:
    """One side of it. ``peer`` is the other node, once it is believed."""

    def __init__(
        self,
        mine: Hello,
        trust: Trust,
        *,
        is_dialer: bool,
        certificate_names: frozenset[str] | None = None,
    ) -> None:
        """Begin.

        Args:
            mine: what this node says; its nonce must be fresh.
            trust: what the other must show.
            is_dialer: whether this side made the connection.
            certificate_names: of the other side's certificate, which was verified; None without
                one.
        """
        if len(mine.nonce) != NONCE_BYTES:
            raise ValueError(f"a nonce of {NONCE_BYTES} octets")
        self._mine = mine
        self._trust = trust
        self._is_dialer = is_dialer
        self._certificate_names = certificate_names
        self._my_hello = encode_hello(mine)
        self._their_hello = b""
        self._said: Hello | None = None
        self.peer: Hello | None = None
        self.version = 0

    def begin(self) -> list[tuple[Kind, bytes]]:
        """Return what is sent at once."""
        return [(Kind.HELLO, self._my_hello)] if self._is_dialer else []

    def take(self, kind: int, body: memoryview) -> list[tuple[Kind, bytes]]:
        """Take what the other side sent; return what is answered.

        Raises:
            LinkError: it is not believed, or does not fit.
        """
        if kind == Kind.HELLO and self._said is None:
            return self._take_hello(body)
        if kind == Kind.PROOF and self._said is not None:
            return self._take_proof(body, self._said)
        raise LinkError(f"kind {kind} before the nodes know each other")

    def _take_hello(self, body: memoryview) -> list[tuple[Kind, bytes]]:
        said = decode_hello(body)
        self._check(said)
        self._said, self._their_hello = said, bytes(body)
        if self._is_dialer:
            return [(Kind.PROOF, self._proof(_DIALER))]
        return [(Kind.HELLO, self._my_hello)]

    def _take_proof(self, body: memoryview, said: Hello) -> list[tuple[Kind, bytes]]:
        expected = self._proof(_LISTENER if self._is_dialer else _DIALER)
        if not hmac.compare_digest(bytes(body), expected):
            raise LinkError(f"node {said.node!r} does not know the secret of the cluster")
        self.peer = said
        return [] if self._is_dialer else [(Kind.PROOF, self._proof(_LISTENER))]

    def _check(self, said: Hello) -> None:
        mine = self._mine
        if said.purpose != mine.purpose:
            raise LinkError(
                f"a link for {said.purpose.name.lower()}, this one is for"
                f" {mine.purpose.name.lower()}"
            )
        self.version = min(mine.version_max, said.version_max)
        if self.version < max(mine.version_min, said.version_min):
            raise LinkError(
                f"no common version: {mine.version_min} to {mine.version_max} here,"
                f" {said.version_min} to {said.version_max} there"
            )
        if said.cluster != mine.cluster:
            raise LinkError(f"of another cluster: {said.cluster!r}")
        if said.node == mine.node or not said.node:
            raise LinkError(f"the other node is called {said.node!r}, as this one or not at all")
        if self._is_dialer and said.node != mine.meant:
            raise LinkError(f"node {said.node!r} answers, {mine.meant} was meant")
        if not self._is_dialer and said.meant != mine.node:
            raise LinkError(f"node {said.meant!r} was meant, this is {mine.node}")
        if hmac.compare_digest(said.nonce, mine.nonce):
            raise LinkError("a nonce that is sent back")
        names = self._certificate_names
        if self._trust.needs_certificate and (names is None or said.node not in names):
            raise LinkError(f"no certificate that names node {said.node!r}")
        refused = self._trust.admit(said)
        if refused is not None:
            raise LinkError(refused)

    def _proof(self, role: bytes) -> bytes:
        hellos = (self._my_hello, self._their_hello)
        of_dialer, of_listener = hellos if self._is_dialer else hellos[::-1]
        # Each hello says how long it is, so the two cannot be parted in another place.
        return hmac.digest(self._trust.secret, role + of_dialer + of_listener, "sha256")

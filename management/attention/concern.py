"""Something that needs a hand, in words."""

from typing import Any, Final, Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["bad", "warn"]

BAD: Final[Severity] = "bad"
WARN: Final[Severity] = "warn"

QUEUE: Final = "queue"
EXCHANGE: Final = "exchange"
CONNECTION: Final = "connection"
VHOST: Final = "vhost"
NODE: Final = "node"


class Concern(NamedTuple):
    """Something that needs a hand.

    Attributes:
        severity: ``bad`` loses or stops messages; ``warn`` will, if nobody looks.
        kind: what it is about: ``queue``, ``exchange``, ``connection``, ``vhost`` or ``node``.
        vhost, name: of that thing; the vhost of a node is empty.
        rule: a word for what is wrong, for programs.
        text: what is wrong, in words that follow the name.
        amount: the number that makes it a problem, in words.
        weight: the same as a number: the larger, the worse.
        since_ms: since when (instant).
        username: whose connection it is; empty for other things.
    """

    severity: Severity
    kind: str
    vhost: str
    name: str
    rule: str
    text: str
    amount: str
    weight: float
    since_ms: int
    username: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What stays the same as long as it is the same problem."""
        return self.kind, self.vhost, self.name, self.rule

    def body(self, wall_offset_ms: int) -> dict[str, Any]:
        """Return it as a JSON object.

        Args:
            wall_offset_ms: turns an instant into ms since 1970.
        """
        body: dict[str, Any] = {
            "severity": self.severity,
            "kind": self.kind,
            "name": self.name,
            "rule": self.rule,
            "text": self.text,
            "amount": self.amount,
            "since": self.since_ms + wall_offset_ms,
        }
        if self.vhost:
            body["vhost"] = self.vhost
        return body


def worst_first(concern: Concern) -> tuple[bool, float, int, tuple[str, str, str, str]]:
    """Return the key by which concerns are sorted."""
    return concern.severity == WARN, -concern.weight, concern.since_ms, concern.key


def per_second(rate: float) -> str:
    """Return a rate in words: ``212/s``, or ``0.4/s`` where it is slow."""
    return f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"  # noqa: PLR2004 -- digits

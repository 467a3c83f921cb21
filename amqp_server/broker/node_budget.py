"""What all clients of a node hold of one kind: a bounded sum, whatever the bound of each is.

    0 ──────────── in use ────────────┬──── 1/16 ────┬──── 1/16 ────┤ limit
                                      goes back to   from here on   no more is held: whoever asks
                                      here           the largest    is refused
                                                     let go

Who holds most goes first, counted by client, so that one who holds much harms nobody who holds
little, over however many channels. What is held is counted as it grows, and clients are looked at
only once a sixteenth of the limit came since they were last. A channel that lets go is closed, as
that is the one way to say so in AMQP: 506.

A limit of this kind must not make anybody wait: all would wait for each other, with half of
something each.
"""

from typing import Final, NamedTuple, Protocol

from amqp_server.broker.errors import NodeLimitError
from amqp_server.broker.turn import Turn

UNLIMITED_BYTES: Final = 1 << 62
PARTS: Final = 16


class NodeLimits(NamedTuple):
    """What all clients together may make grow, in bytes."""

    assembling_bytes: int = UNLIMITED_BYTES
    tx_bytes: int = UNLIMITED_BYTES
    unacked_bytes: int = UNLIMITED_BYTES


NO_NODE_LIMITS: Final = NodeLimits()


class Client(Protocol):
    """Who holds something, on channels that can be closed for it: a connection."""

    def refuse(self, channel: int, error: Exception, now_ms: int) -> None:
        """Close a channel with this error; it lets go of all that it holds."""


class _Share:
    """What one client holds.

    Invariant: ``held_bytes`` is the sum of its holdings', and each of them holds something.
    """

    __slots__ = ("held_bytes", "holdings")

    def __init__(self) -> None:
        self.held_bytes = 0
        self.holdings: dict[Holding, None] = {}


class NodeBudget:
    """What may be held of one kind, and who holds it.

    Attributes:
        used_bytes: what is held; never more than ``limit_bytes`` between two calls.
        limit_bytes: at most.
    """

    def __init__(
        self, turn: Turn, what: str, setting: str, limit_bytes: int = UNLIMITED_BYTES
    ) -> None:
        """Make one that nobody holds anything of.

        Args:
            turn: the broker's: letting go may take several.
            what: what is held, in words, for who is refused; a plural.
            setting: the key of the limit, for the same.
            limit_bytes: at most.
        """
        self._turn = turn
        self._text = f"{what} of all clients hold more than {limit_bytes} bytes ({setting})"
        self._shares: dict[Client, _Share] = {}
        self._is_relieving = False
        self.limit_bytes = limit_bytes
        self._full_bytes = limit_bytes - limit_bytes // PARTS
        self._low_bytes = limit_bytes - 2 * (limit_bytes // PARTS)
        self.used_bytes = 0

    def count(self, holding: "Holding", more_bytes: int) -> None:
        """Count more, or less, for a holding.

        Raises:
            NodeLimitError: there is no room; it is not counted (506).
        """
        used_bytes = self.used_bytes + more_bytes
        if more_bytes > 0 and used_bytes > self._full_bytes:
            if used_bytes > self.limit_bytes:
                raise NodeLimitError(self._text)
            if not self._is_relieving:
                self._is_relieving = True
                self._turn.later(self)
        self.used_bytes = used_bytes
        client = holding.client
        share = self._shares.get(client)
        if share is None:
            share = self._shares[client] = _Share()
        holding.held_bytes += more_bytes
        share.held_bytes += more_bytes
        if holding.held_bytes:
            share.holdings[holding] = None
        else:
            share.holdings.pop(holding, None)
            if not share.holdings:
                del self._shares[client]

    def give_back(self, taken_bytes: int) -> None:
        """Count out what was taken from a holding."""
        self.used_bytes -= taken_bytes

    def step(self, now_ms: int) -> bool:
        """Have the largest let go, one after another: a ``broker.budget.Job``."""
        shares = sorted(self._shares.items(), key=_size_of, reverse=True)
        for client, share in shares:
            for holding in sorted(share.holdings, key=_held_bytes, reverse=True):
                if self.used_bytes <= self._low_bytes:
                    break
                client.refuse(holding.channel, NodeLimitError(self._text), now_ms)
                holding.let_go()
                if self._turn.budget.is_spent():
                    return self._is_relieved()
        return self._is_relieved(has_seen_all=True)

    def _is_relieved(self, *, has_seen_all: bool = False) -> bool:
        self._is_relieving = self.used_bytes > self._low_bytes and not has_seen_all
        return not self._is_relieving


def budgets_of(turn: Turn, limits: NodeLimits) -> tuple[NodeBudget, NodeBudget]:
    """Return the budgets of a broker: of messages half received, and of open transactions."""
    return (
        NodeBudget(
            turn, "unfinished messages", "broker.assembling_bytes_max", limits.assembling_bytes
        ),
        NodeBudget(turn, "open transactions", "broker.tx_bytes_max", limits.tx_bytes),
    )


class Holding:
    """What one channel holds.

    Attributes:
        client: whose channel it is.
        channel: its number.
        held_bytes: as counted; 0 of what was let go of, or taken.
    """

    __slots__ = ("_budget", "channel", "client", "held_bytes")

    def __init__(self, budget: NodeBudget, client: Client, channel: int) -> None:
        self._budget = budget
        self.client = client
        self.channel = channel
        self.held_bytes = 0

    def add(self, more_bytes: int) -> None:
        """Hold more, or less.

        Raises:
            NodeLimitError: there is no room for it (506).
        """
        self._budget.count(self, more_bytes)

    def let_go(self) -> None:
        """Hold nothing any more."""
        if self.held_bytes:
            self._budget.count(self, -self.held_bytes)

    def take(self) -> int:
        """Hold nothing any more, and return how much that was; it is in use until given back.

        For what can no longer be let go of, since it is being worked off.
        """
        taken_bytes = self.held_bytes
        self.let_go()
        self._budget.give_back(-taken_bytes)
        return taken_bytes

    def give_back(self, taken_bytes: int) -> None:
        """Note that what was taken is worked off."""
        self._budget.give_back(taken_bytes)


def _size_of(item: tuple[Client, _Share]) -> int:
    return item[1].held_bytes


def _held_bytes(holding: Holding) -> int:
    return holding.held_bytes

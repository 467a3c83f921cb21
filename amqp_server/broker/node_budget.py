"""Bounds the sum that all clients of a node hold of one kind, beside the limits of each.

    0 ──────────── in use ────────────┬──── 1/16 ────┬──── 1/16 ────┤ limit
                                      goes back to   from here on   no more is held: whoever asks
                                      here           the largest    is refused
                                                     let go

The client that holds most is first, over all its channels. So a client that holds much does not
harm one that holds little. The sum is counted as it grows. Clients are compared only when a
sixteenth of the limit has come since the last time. A channel that gives up its bytes is closed
with 506, the only way to say so in AMQP.

A limit of this kind must not make a client wait. All clients would wait for each other, each with
an unfinished message.
"""

from typing import Final, NamedTuple, Protocol

from amqp_server.broker.errors import NodeLimitError
from amqp_server.broker.turn import Turn

UNLIMITED_BYTES: Final = 1 << 62
PARTS: Final = 16


class NodeLimits(NamedTuple):
    """The most that all clients together may hold, in bytes."""

    assembling_bytes: int = UNLIMITED_BYTES
    tx_bytes: int = UNLIMITED_BYTES
    unacked_bytes: int = UNLIMITED_BYTES
    arguments_bytes: int = UNLIMITED_BYTES
    waiting_bytes: int = UNLIMITED_BYTES


NO_NODE_LIMITS: Final = NodeLimits()


class Client(Protocol):
    """A connection that holds bytes, on channels that can be closed for it."""

    def refuse(self, channel: int, error: Exception, now_ms: int) -> None:
        """Close a channel with this error; it releases everything that it holds."""


class _Share:
    """The bytes that one client holds.

    Invariant: ``held_bytes`` is the sum of its holdings', and each of them holds something.
    """

    __slots__ = ("held_bytes", "holdings")

    def __init__(self) -> None:
        self.held_bytes = 0
        self.holdings: dict[Holding, None] = {}


class NodeBudget:
    """The limit of one kind, and the clients that hold bytes of it.

    Attributes:
        used_bytes: what is held; never more than ``limit_bytes`` between two calls.
        limit_bytes: at most.
    """

    def __init__(
        self, turn: Turn, what: str, setting: str, limit_bytes: int = UNLIMITED_BYTES
    ) -> None:
        """Make one of which no client holds bytes.

        Args:
            turn: the broker's: letting go may take several.
            what: the name of what is held, in the plural, for the error text.
            setting: the key of the limit, for the error text.
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
        """Let the largest clients release bytes, one after another: a ``broker.budget.Job``."""
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


def budgets_of(turn: Turn, limits: NodeLimits) -> tuple[NodeBudget, NodeBudget, NodeBudget]:
    """Return the budgets of a broker: of unfinished messages, transactions, and arguments."""
    return (
        NodeBudget(
            turn, "unfinished messages", "broker.assembling_bytes_max", limits.assembling_bytes
        ),
        NodeBudget(turn, "open transactions", "broker.tx_bytes_max", limits.tx_bytes),
        NodeBudget(
            turn,
            "arguments of consumers",
            "broker.consumer_arguments_bytes_max",
            limits.arguments_bytes,
        ),
    )


class Holding:
    """The bytes that one channel holds.

    Attributes:
        client: whose channel it is.
        channel: its number.
        held_bytes: as counted; 0 after they were released or taken.
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
        """Take everything from the channel, and return how much; it counts until given back.

        This is for bytes that cannot be released any more, because they are being worked off.
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

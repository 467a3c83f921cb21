"""The publishes and settlements that a tx channel holds back until tx.commit, in order.

Source: AMQP 0-9-1 §1.9; RabbitMQ, semantics of tx: acks are buffered too, rollback forgets them
(they stay unacked), and a commit is not atomic over several queues.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import Final, NamedTuple, Protocol

from amqp_server.broker.node_budget import Holding
from amqp_server.broker.sorting import add_sorted, merged
from amqp_server.broker.steps import Steps, taken_in_pieces
from amqp_server.protocol.errors import ModeError, UnknownDeliveryTagError
from amqp_server.protocol.publishing import Letter
from persistence.record import detached

MESSAGE_OVERHEAD_BYTES: Final = 128
"""Memory of a held message beside its body and properties."""

LETTER_BYTES: Final = 512
"""Memory of one held publish beside its messages: a block, its spare room, and objects."""

TAG_BYTES: Final = 128
"""Memory of the held settlement of one delivery tag."""

TOGETHER_MAX: Final = 500
"""Ranges of tags that are settled between two looks at the time: about a millisecond."""

_FIRST_TAG: Final = attrgetter("first_tag")


class Settlement(NamedTuple):
    """An ack, nack or reject.

    Attributes:
        first_tag, last_tag: each tag of the range; with ``multiple`` all up to last_tag.
        requeue: None is an ack.
    """

    first_tag: int
    last_tag: int
    multiple: bool
    requeue: bool | None


class Outstanding(Protocol):
    """The delivery tags of a channel; ``protocol.unacked`` implements it.

    Attributes:
        next_tag: of the next delivery.
    """

    next_tag: int

    def is_outstanding(self, tag: int) -> bool:
        """Whether this tag was delivered and not settled."""

    def outstanding(self, first_tag: int, last_tag: int) -> Iterator[int]:
        """Return the outstanding tags among first..last, in order."""


class Transaction:
    """The open transaction of one channel.

    Attributes:
        letters: publishes since the last commit or rollback.
        settlements: of single tags or ranges, since then, in order; never ``multiple``.
        held_tags: every tag in ``settlements``; a tag is held once.
        held_up_to: every outstanding tag up to this one is held.
    """

    __slots__ = (
        "_held_bytes",
        "_held_max_bytes",
        "_holding",
        "held_tags",
        "held_up_to",
        "letters",
        "settlements",
    )

    def __init__(self, held_max_bytes: int, holding: Holding) -> None:
        """Open one.

        Args:
            held_max_bytes: bounds the messages held back.
            holding: the node's count of the memory of all transactions.
        """
        self._held_max_bytes = held_max_bytes
        self._holding = holding
        self._held_bytes = 0
        self.letters: list[Letter] = []
        self.settlements: list[Settlement] = []
        self.held_tags: set[int] = set()
        self.held_up_to = 0

    def hold_letter(self, letter: Letter) -> None:
        """Hold a publish back, in memory of its own.

        Raises:
            ModeError: the transaction holds too much (406).
            NodeLimitError: all transactions of the node hold too much (506).
        """
        more_bytes = sum(
            len(record.body) + len(record.header) + MESSAGE_OVERHEAD_BYTES
            for record in letter.records
        )
        self._held_bytes += more_bytes
        if self._held_bytes > self._held_max_bytes:
            text = f"transaction holds more than {self._held_max_bytes} bytes: commit more often"
            raise ModeError(text)
        self._holding.add(more_bytes + LETTER_BYTES)
        self.letters.append(letter._replace(records=detached(letter.records)))

    def holding(self, settlement: Settlement, unacked: Outstanding) -> Steps[None]:
        """Hold back the tags that a settlement covers now; they are not outstanding any more.

        In the meantime the outstanding tags may become more, but none of them may be settled.

        Raises:
            UnknownDeliveryTagError: a tag that is not outstanding (406); nothing was held.
            NodeLimitError: all transactions of the node hold too much (506).
        """
        first, last, multiple, requeue = settlement
        held = self.held_tags
        if multiple:
            if last and (last in held or not unacked.is_outstanding(last)):
                raise UnknownDeliveryTagError(last)
            last = last or unacked.next_tag - 1
            tags = unacked.outstanding(self.held_up_to + 1, last)
            while some := list(islice(tags, TOGETHER_MAX)):
                self.hold_tags([tag for tag in some if tag not in held], requeue=requeue)
                yield
            self.held_up_to = max(self.held_up_to, last)
            return
        for tag in range(first, last + 1):
            if tag in held or not unacked.is_outstanding(tag):
                raise UnknownDeliveryTagError(tag)
        self.hold_tags(range(first, last + 1), requeue=requeue)

    def hold_tags(self, tags: Iterable[int], *, requeue: bool | None) -> None:
        """Hold back an ack, nack or reject of outstanding tags; a range stays a range.

        Raises:
            NodeLimitError: all transactions of the node hold too much (506).
        """
        tags = tuple(tags)
        self._holding.add(TAG_BYTES * len(tags))
        first = last = 0
        for tag in tags:
            assert tag not in self.held_tags, "a tag is held once"
            self.held_tags.add(tag)
            if first and tag == last + 1:
                last = tag
                continue
            if first:
                self.settlements.append(Settlement(first, last, multiple=False, requeue=requeue))
            first = last = tag
        if first:
            self.settlements.append(Settlement(first, last, multiple=False, requeue=requeue))

    @contextmanager
    def taken(self) -> Iterator[tuple[list[Letter], list[Settlement]]]:
        """Take everything held; the node counts it until it is carried out."""
        taken_bytes = self._holding.take()
        try:
            yield self._take()
        finally:
            self._holding.give_back(taken_bytes)

    def let_go(self) -> None:
        """Forget everything held."""
        self._take()
        self._holding.let_go()

    def _take(self) -> tuple[list[Letter], list[Settlement]]:
        """Return everything held, and start anew."""
        taken = self.letters, self.settlements
        self.letters, self.settlements = [], []
        self.held_tags = set()
        self.held_up_to = 0
        self._held_bytes = 0
        return taken


def by_tag(settlements: list[Settlement]) -> Iterator[list[Settlement]]:
    """Return settlements in a row of the same kind, which take effect together, in tag order.

    They are joined to the longest ranges, ``TOGETHER_MAX`` of them at most. An item is empty if
    finding a range took some time. The list is empty afterwards.

    Source: RabbitMQ, rabbit_channel: a commit settles the same kind at once, by delivery tag.
    """
    each = chain.from_iterable(taken_in_pieces(settlements, TOGETHER_MAX))
    for _, alike in groupby(each, _kind_of):
        runs: list[deque[Settlement]] = []
        while some := list(islice(alike, TOGETHER_MAX)):
            add_sorted(some, _FIRST_TAG, runs)
            yield []
        joined: list[Settlement] = []
        for count, settlement in enumerate(merged(runs, _FIRST_TAG), start=1):
            if joined and settlement.first_tag == joined[-1].last_tag + 1:
                joined[-1] = joined[-1]._replace(last_tag=settlement.last_tag)
            else:
                if len(joined) == TOGETHER_MAX:
                    yield joined
                    joined = []
                joined.append(settlement)
            if not count % TOGETHER_MAX:
                yield []
        yield joined


def _kind_of(settlement: Settlement) -> bool | None:
    return settlement.requeue

"""Members on other nodes, in the groups of streams that this node leads.

    question of a node ─▶ changes, in order ─▶ Groups ─▶ tell ─▶ words, which its next answers have
    no question for a while ─▶ its members leave: it has told them by then to stop
    this node does not lead the stream in their epoch ─▶ they leave, and hear that they are not here

A visit is one node's members here, from its first question on. It ends when nothing is heard of the
node, or it begins another one; what was said in it counts no more.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

from amqp_server.broker.groups.forms import (
    ANSWERED,
    JOIN,
    Change,
    Joining,
    Question,
    Told,
    Visit,
    What,
    Word,
)
from amqp_server.broker.groups.saying import Saying
from amqp_server.broker.groups.single_active import GroupKey, Groups, Stream
from amqp_server.broker.steps import Steps

log = logging.getLogger(__name__)

LEASE_MS: Final = 3_000
"""How long what a leader's node has said holds, counted from when it was asked."""

SILENCE_MS: Final = 4_500
"""Without a question for so long the members of a node leave; longer than ``LEASE_MS``."""

NEW_MS: Final = SILENCE_MS
"""For so long a new leader decides nothing: the last one may have answered for a moment longer than
it has led, and what it said holds for ``LEASE_MS``.
"""

GUESTS_MAX: Final = 20_000
"""Members of one other node."""

WORDS_MAX: Final = 4 * GUESTS_MAX
"""Words that a node has not heard; with more of them its visit ends."""

WORDS_AT_ONCE: Final = 1_000
"""Words in one answer."""

STEP_COUNT: Final = 64
"""Changes, or members, that are looked at before others have a turn."""


class Led(NamedTuple):
    """A leadership of this node: of which stream, and the epoch of it."""

    stored_id: str
    epoch: int


FindLed: TypeAlias = Callable[[Stream], Led | None]
"""Returns how this node leads a stream; None where it does not."""


class VisitOverError(Exception):
    """A question of a visit that is no more, or never began here."""


class _Guest:
    """A member on another node; a ``single_active.Member``."""

    __slots__ = ("key", "number", "visiting")

    def __init__(self, number: int, key: GroupKey, visiting: "_Visiting") -> None:
        self.number = number
        self.key = key
        self.visiting = visiting

    def tell(self, *, is_active: bool) -> None:
        self.visiting.say(self.number, self.key.epoch, What(is_active))


class _Visiting:
    """One visit.

    Attributes:
        heard: the number up to which changes were carried out.
        heard_at_ms: when the last question came.
    """

    __slots__ = ("guests", "heard", "heard_at_ms", "node", "on_words", "visit", "words")

    def __init__(
        self, node: str, visit: Visit, now_ms: int, on_words: Callable[[str], None]
    ) -> None:
        self.node = node
        self.visit = visit
        self.heard = 0
        self.heard_at_ms = now_ms
        self.words: Saying[Word] = Saying()
        self.guests: dict[int, _Guest] = {}
        self.on_words = on_words

    def say(self, number: int, epoch: int, what: What) -> None:
        self.words.add(Word(number, epoch, what))
        self.on_words(self.node)


class Guests:
    """Those of one node.

    Invariant: each is in its group, in the epoch in which this node leads or has led the stream.
    """

    def __init__(self, groups: Groups, find_led: FindLed) -> None:
        """Begin without a guest.

        Args:
            groups: of the streams that this node leads.
            find_led: whether it leads a stream.

        Attributes:
            on_words: called with the name of a node that there are words for.
        """
        self.on_words: Callable[[str], None] = _tell_nobody
        self._groups = groups
        self._find_led = find_led
        self._visits: dict[str, _Visiting] = {}
        self._over: dict[str, Visit] = {}

    @property
    def are_none(self) -> bool:
        """Whether no other node has, or may have, members here."""
        return not self._visits

    def take(self, node: str, question: Question, now_ms: int) -> Steps[None]:
        """Carry out what a node says of its members, in steps.

        Raises:
            VisitOverError: its visit is over, or something before was not heard.
        """
        visiting = yield from self._visiting(node, question.visit, now_ms)
        visiting.heard_at_ms = now_ms
        if question.first > visiting.heard + 1:
            # This process has never heard of members of which its node knows that they were heard.
            yield from self._ending(node)
            raise VisitOverError("a change is missing")
        visiting.words.heard(question.heard)
        for number, change in enumerate(question.changes, question.first):
            if self._visits.get(node) is not visiting:
                raise VisitOverError("the visit is over")
            if number > visiting.heard:
                visiting.heard = number
                self._carry_out(visiting, change)
            if not number % STEP_COUNT:
                yield
        if len(visiting.words) > WORDS_MAX:
            yield from self._ending(node)
            raise VisitOverError("too many words are not heard")

    def has_words(self, node: str, visit: Visit) -> bool:
        """Return whether there is something to say, also that the visit is over."""
        visiting = self._visits.get(node)
        return visiting is None or visiting.visit != visit or bool(visiting.words)

    def told(self, node: str, visit: Visit) -> Told:
        """Return the answer to a question that was taken.

        Raises:
            VisitOverError: its visit is over.
        """
        visiting = self._visits.get(node)
        if visiting is None or visiting.visit != visit:
            raise VisitOverError("the visit is over")
        words = visiting.words
        return Told(visiting.heard, words.first, tuple(words.next(WORDS_AT_ONCE)))

    def looking(self, now_ms: int) -> Steps[None]:
        """End visits of nodes that are silent, and have those leave whose stream is led no more."""
        for node, visiting in list(self._visits.items()):
            if now_ms - visiting.heard_at_ms >= SILENCE_MS:
                if visiting.guests:
                    count = len(visiting.guests)
                    log.info("node=%s is silent: its %d members leave groups", node, count)
                yield from self._ending(node)
                continue
            led: dict[Stream, Led | None] = {}
            for count, guest in enumerate(list(visiting.guests.values()), 1):
                stream = guest.key.read
                if stream not in led:
                    led[stream] = self._find_led(stream)
                is_led = led[stream] == (stream.stored_id, guest.key.epoch)
                if not is_led and guest.number in visiting.guests:
                    self._leave(visiting, guest.number)
                    visiting.say(guest.number, guest.key.epoch, What.NOT_HERE)
                if not count % STEP_COUNT:
                    yield

    # -- inside -------------------------------------------------------------------------------

    def _visiting(self, node: str, visit: Visit, now_ms: int) -> Steps[_Visiting]:
        """Return a visit that may have to begin, and with which an earlier one is over."""
        visiting = self._visits.get(node)
        if visiting is None or visiting.visit < visit:
            if visit <= self._over.get(node, (-1, -1)):
                raise VisitOverError("the visit is over")
            yield from self._ending(node)
            # Another question of the visit may have begun it meanwhile.
            visiting = self._visits.get(node)
            if visiting is None:
                visiting = _Visiting(node, visit, now_ms, self._words_came)
                self._visits[node] = visiting
        if visiting.visit != visit:
            raise VisitOverError("the visit is over")
        return visiting

    def _carry_out(self, visiting: _Visiting, change: Change) -> None:
        if change.kind == JOIN:
            assert change.joining is not None, "its form has one"
            self._join(visiting, change.joining)
            return
        guest = visiting.guests.get(change.member)
        if guest is None:
            return
        if change.kind == ANSWERED:
            self._groups.answered(guest.key, guest)
        else:
            self._leave(visiting, change.member)

    def _join(self, visiting: _Visiting, joining: Joining) -> None:
        number, key = joining.member, joining.key
        self._leave(visiting, number)
        led = self._find_led(key.read)
        if led is not None:
            # A node of an older release says no id.
            key = key._replace(stored_id=led.stored_id)
        if led is None or led.epoch != key.epoch:
            visiting.say(number, key.epoch, What.NOT_HERE)
        elif len(visiting.guests) >= GUESTS_MAX or not self._groups.has_room(key):
            visiting.say(number, key.epoch, What.FULL)
        else:
            guest = visiting.guests[number] = _Guest(number, key, visiting)
            rank = joining.since_ms, visiting.node, number
            if joining.is_active:
                # It hears that it goes on, or, within the call, that it does not.
                before = len(visiting.words)
                self._groups.join(key, guest, joining.partition_index, rank, is_active=True)
                if len(visiting.words) == before:
                    visiting.say(number, key.epoch, What.ACTIVE)
            else:
                self._groups.join(key, guest, joining.partition_index, rank)

    def _leave(self, visiting: _Visiting, number: int) -> None:
        guest = visiting.guests.pop(number, None)
        if guest is not None:
            self._groups.leave(guest.key, guest)

    def _ending(self, node: str) -> Steps[None]:
        """End the visit of a node, if there is one: its members leave one by one."""
        visiting = self._visits.pop(node, None)
        if visiting is None:
            return
        self._over[node] = visiting.visit
        numbers: Sequence[int] = list(visiting.guests)
        for count, number in enumerate(numbers, 1):
            self._leave(visiting, number)
            if not count % STEP_COUNT:
                yield

    def _words_came(self, node: str) -> None:
        self.on_words(node)


def _tell_nobody(_node: str) -> None:
    """Until somebody listens."""

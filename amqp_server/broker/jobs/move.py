"""Moves or copies the messages of a queue to another one, or each back to where it died first.

    look at a piece → publish copies → settle the piece → wait until earlier ones are safe

A piece is looked at where it is, copied and settled in one step. The copies have lower LSNs than
the settlement (ADR 18), so a crash leaves every message in one of the two queues, and at most the
messages of one piece in both. Where two logs have no order (mirrored queues), a piece is settled
once its copies are safe: see ``copied``. A job does not survive a restart; what it has not moved is
where it was.

A job holds nothing. What a filter does not choose, and what has nowhere to go, is never taken: it
keeps its place, and consumers get it meanwhile.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from operator import itemgetter
from typing import Final

from amqp_server.broker.jobs.copied import LedAnewError, engine_here, settle_those_there
from amqp_server.broker.jobs.origin import addressed
from amqp_server.broker.jobs.pace import Pace
from amqp_server.broker.messages.message_filter import EVERY_MESSAGE, MessageFilter
from amqp_server.broker.publish import Publisher
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import Steps
from amqp_server.broker.turn import Turn
from persistence.record import Record
from queues.commits import SAFE_NOW, CommitPoint, is_ordered_by, is_safe, later_of, wait_for
from queues.looking import LOOK_COUNT_MAX, Looked, LookedMessage, LookPlace
from queues.outcomes import StillOpen, refused_later

PIECE_MAX: Final = 256
"""Messages that are taken, copied and settled in one step."""

PIECE_BYTES_MAX: Final = 1 << 20
"""Or as many as have bodies of this size together, or one that is larger."""

SEARCHED_PIECE_MAX: Final = 16
"""Messages of a piece that are looked into: headers take a tenth of a millisecond, a body one."""


class JobState(Enum):
    """How a job is; the value is shown."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True, eq=False)
class Move:
    """What a job was asked to do, and how far it has come.

    Attributes:
        number: of the job.
        vhost, source: the queue.
        dest: name of the other queue; None is the one in which each message died first.
        username: who began it; None is who runs the node.
        begun_at_ms: when, in ms since 1970.
        total: messages to go through.
        copies: whether the messages stay in the source too.
        matching: only these are moved or copied.
        rate: how many a second, at most; None is without a limit.
        moved: messages that are in the other queue.
        skipped: messages that had nowhere to go, or did not match.
        unmatched: those of them that did not match.
        error: why it failed; empty if it did not.
        go_on: has a job go on that stands still because it is paused; None while none does.
    """

    number: int
    vhost: str
    source: str
    dest: str | None
    username: str | None
    begun_at_ms: int
    total: int
    copies: bool = False
    matching: MessageFilter = EVERY_MESSAGE
    rate: int | None = None
    moved: int = 0
    skipped: int = 0
    unmatched: int = 0
    state: JobState = JobState.RUNNING
    error: str = ""
    go_on: Callable[[], None] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state not in {JobState.RUNNING, JobState.PAUSED}

    def pause(self) -> None:
        """Have it stop before its next piece, until ``resume``; nothing, if it is over."""
        if not self.is_over:
            self.state = JobState.PAUSED

    def resume(self) -> None:
        """Have it go on; nothing, if it is not paused."""
        if self.state is JobState.PAUSED:
            self.state = JobState.RUNNING
            go_on, self.go_on = self.go_on, None
            if go_on is not None:
                go_on()


class MoveJob:
    """A ``broker.budget.Job``.

    Args:
        move: what to do.
        queue: the source.
        publisher: of the vhost.
        turn: the broker's.
        refusal: returns why nothing may be published now; empty is that it may.
        wake: has the loop make a turn: nothing else does when the disk has a piece.
    """

    def __init__(
        self,
        move: Move,
        queue: Queue,
        publisher: Publisher,
        turn: Turn,
        refusal: Callable[[], str],
        wake: Callable[[], None],
    ) -> None:
        self._move = move
        self._queue = queue
        self._led = engine_here(queue)
        self._publisher = publisher
        self._turn = turn
        self._refusal = refusal
        self._wake = wake
        self._waits_for: CommitPoint = SAFE_NOW
        self._is_waiting = False
        # Of the last piece: lane and positions of what is to be settled once the copies are safe.
        self._copied: tuple[int, list[int]] | None = None
        self._still_open: list[StillOpen] = []
        self._place: LookPlace | None = None
        self._pace = Pace(move.rate, turn, self._go_on)
        self._steps: Steps[None] = self._going()

    def step(self, _now_ms: int) -> bool:
        """Move a piece, and more within the budget; return whether it is over, or waits."""
        is_spent = self._turn.budget.is_spent
        if self._is_waiting or self._stands_still():
            return True
        for _ in self._steps:
            if not is_safe(self._waits_for):
                self._is_waiting = True
                wait_for(self._waits_for, self._decided)
                return True
            self._settle_copied()
            if self._stands_still():
                return True
            if is_spent():
                return False
        return True

    def _stands_still(self) -> bool:
        """Whether it must not go on now; then something has it go on later."""
        move = self._move
        if move.state is JobState.PAUSED:
            move.go_on = self._go_on
            return True
        return not move.is_over and self._pace.is_early(self._turn.now_ms)

    def _decided(self) -> None:
        """It is known whether the copies of the last piece are safe."""
        self._is_waiting = False
        self._settle_copied()
        self._go_on()

    def _settle_copied(self) -> None:
        """Settle what is still there of a piece whose copies are safe; else the job has failed.

        Where the messages stay in the source too, it is only told what has no copy.
        """
        copied, self._copied = self._copied, None
        if copied is None:
            return
        lane, positions = copied
        refused = frozenset(refused_later(self._still_open))
        lost_count = len(refused)
        if not is_safe(self._waits_for):
            lost_count = len(positions)
            self._fail_unless_over("the copies are not safe: the other queue has lost its leader")
        else:
            if refused:
                self._fail_unless_over("the other queue is full")
            taken = [each for index, each in enumerate(positions) if index not in refused]
            try:
                if not self._move.copies:
                    settle_those_there(self._queue, self._led, lane, taken)
            except LedAnewError:
                count = len(taken)
                self._fail_unless_over(self._led_anew(f"{count} messages are in both queues"))
            except OSError as error:
                text = f"{self._queue.text} cannot be read now: {error.strerror}"
                self._fail_unless_over(text)
        self._move.moved -= lost_count
        self._move.skipped += lost_count

    def _fail_unless_over(self, error: str) -> None:
        if not self._move.is_over:
            self._fail(error)

    def _go_on(self) -> None:
        self._turn.later(self)
        self._wake()

    def _going(self) -> Steps[None]:
        move = self._move
        is_searched = move.matching.is_set
        while self._may_go_on():
            # This is use of the queue, which drops what has expired.
            self._queue.engine.touch(self._turn.now_ms)
            found = self._look(self._place, LOOK_COUNT_MAX if is_searched else self._piece_max)
            if found is None:
                return
            if found.place is None or self._left_count <= 0:
                move.state = JobState.DONE
                return
            messages = _messages(found)[: self._left_count]
            if is_searched:
                chosen = yield from self._searching(messages)
                yield from self._moving_those(found.place.lane, chosen)
                self._place = found.place
                continue
            piece = _piece_of(messages)
            self._move_piece(found.place.lane, piece)
            self._place = found.place
            if len(piece) < len(messages):
                self._place = LookPlace(found.place.lane, messages[len(piece)].position)
            yield

    def _may_go_on(self) -> bool:
        """Whether another piece may be moved; a job that may not has failed."""
        if self._move.is_over:
            return False
        refusal = self._refusal()
        if self._queue.is_deleted:
            refusal = f"no {self._queue.text}"
        elif engine_here(self._queue) is not self._led:
            refusal = self._led_anew("what was moved last may be in both queues")
        if refusal:
            self._fail(refusal)
        return not refusal

    def _led_anew(self, doubled: str) -> str:
        """Say why the job ends with a leadership: its settlements may not outlive that."""
        text = f"{self._queue.text} has another leader now"
        return text if self._move.copies else f"{text}: {doubled}"

    def _fail(self, error: str) -> None:
        self._move.state, self._move.error = JobState.FAILED, error

    @property
    def _piece_max(self) -> int:
        return self._pace.piece_max(PIECE_MAX)

    def _look(self, place: LookPlace | None, max_count: int) -> Looked | None:
        """Return the next messages behind a place; None if the job has failed."""
        try:
            return self._queue.engine.look(place, max_count)
        except OSError as error:
            self._fail(f"{self._queue.text} cannot be read now: {error.strerror}")
            return None

    def _searching(self, messages: Sequence[LookedMessage]) -> Steps[list[int]]:
        """Return the positions of the messages that match."""
        move, chosen = self._move, list[int]()
        for index, message in enumerate(messages, start=1):
            if move.is_over:
                return []
            if move.matching.matches(message.record):
                chosen.append(message.position)
            else:
                move.skipped += 1
                move.unmatched += 1
            if index % SEARCHED_PIECE_MAX == 0 or move.matching.path is not None:
                yield
        return chosen

    def _moving_those(self, lane: int, positions: list[int]) -> Steps[None]:
        """Move messages that are still at these positions, piece by piece."""
        at = 0
        while at < len(positions) and self._may_go_on():
            found = self._look(LookPlace(lane, positions[at]), self._piece_max)
            if found is None or found.place is None or found.place.lane != lane:
                return
            wanted = frozenset(positions[at:])
            messages = [one for one in _messages(found) if one.position in wanted]
            piece = _piece_of(messages)
            self._move_piece(lane, piece)
            next_place = found.place.position
            if len(piece) < len(messages):
                next_place = messages[len(piece)].position
            at = bisect_left(positions, next_place)
            yield

    def _move_piece(self, lane: int, messages: Sequence[LookedMessage]) -> None:
        """Copy messages that were just looked at, and settle those whose copies are in a queue."""
        now_ms = self._turn.now_ms
        live = [one for one in messages if not 0 < one.expires_at_ms <= now_ms]
        sent, self._waits_for = self._publish([one.record for one in live])
        self._pace.moved(len(live), now_ms)
        gone = [one for one, is_sent in zip(live, sent, strict=True) if is_sent]
        if not gone:
            return
        engine, group = self._queue.emptied, self._queue.engine.commit_group
        if self._still_open or not is_ordered_by(group, self._waits_for):
            self._copied = lane, [one.position for one in gone]
        elif engine is not None and not self._move.copies:
            # With a higher LSN than the copies.
            engine.remove(lane, gone)

    @property
    def _left_count(self) -> int:
        return max(self._move.total - self._move.moved - self._move.skipped, 0)

    def _publish(self, records: Sequence[Record]) -> tuple[list[bool], CommitPoint]:
        """Publish copies; return which of them are in a queue, and when all are safe."""
        sent: list[bool] = []
        safe_at = SAFE_NOW
        move = self._move
        self._still_open = []
        taken_count = 0
        routes = [addressed(record, move.dest, move.source) for record in records]
        for name, group in groupby(routes, key=itemgetter(0)):
            run = [record for _, record in group]
            outcome = None
            if name and not self._move.is_over:
                outcome = self._publisher.publish_to_queue(name, run, self._turn.now_ms)
            if outcome is None:
                if self._move.dest is not None and not self._move.is_over:
                    self._fail(f"there is no queue {name!r}")
                sent += [False] * len(run)
                self._move.skipped += len(run)
                continue
            refused = frozenset(outcome.rejected)
            sent += [index not in refused for index in range(len(run))]
            # By their indexes among all that were taken.
            places = {index: at for at, index in enumerate(_taken_of(run, refused), taken_count)}
            taken_count += len(places)
            self._still_open += [
                StillOpen([places[index] for index in indexes], one)
                for indexes, one in outcome.still_open
            ]
            self._move.moved += len(run) - len(refused)
            self._move.skipped += len(refused)
            safe_at = later_of(safe_at, outcome.safe_at)
            if refused:
                self._fail(f"queue {name!r} is full")
        return sent, safe_at


def _taken_of(run: Sequence[Record], refused: frozenset[int]) -> list[int]:
    """Return the indexes of the messages that were not refused."""
    return [index for index in range(len(run)) if index not in refused]


def _messages(found: Looked) -> list[LookedMessage]:
    return [one for each in found.slices for one in each.messages()]


def _piece_of(messages: Sequence[LookedMessage]) -> Sequence[LookedMessage]:
    """Return the first messages, as many as are a piece."""
    left_bytes = PIECE_BYTES_MAX
    for count, message in enumerate(messages[:PIECE_MAX], start=1):
        left_bytes -= len(message.record.body)
        if left_bytes <= 0:
            return messages[:count]
    return messages[:PIECE_MAX]

"""What a leader tells mirrors that are read: how far a stream is committed, where no run says so.

    a mirror's Follow ─▶ it is told now, and from then on after each commit
    a run leaves that has the last commit index ─▶ nothing has to be told

Runs say how far their log is committed when they leave. Where few come, the last messages would be
readable at a mirror only with the next run. Notes are for those: one for a queue and mirror at a
time, some of them at a time, and none to a link that other frames wait for.
"""

from collections.abc import Callable, Iterable
from typing import Final

from cluster.replication.core import ReplicationCore
from cluster.replication.frames import Append, CommitNote, Follow, LeaderFrame

APART_MS: Final = 10
"""Between notes that leave; where runs come at this pace they have said it already."""

AT_ONCE_MAX: Final = 64
"""Queues of which a mirror is told at a time."""


class CommitNotes:
    """The mirrors that follow queues which this node leads.

    Args:
        core: of this node.
    """

    def __init__(self, core: ReplicationCore) -> None:
        self._core = core
        self._followers: dict[str, dict[str, int]] = {}
        self.due: dict[str, dict[str, None]] = {}
        self._given_at_ms = -APART_MS
        self.has_room: Callable[[str], bool] = _always
        """Returns whether a note may be put on the link to a mirror; the shell's owner sets it."""

    def hear(self, mirror: str, follow: Follow) -> None:
        """A mirror wants to be told, or does not any more."""
        queue = follow.queue
        if not follow.is_on:
            self._leave(mirror, queue)
        elif (lead := self._core.lead_of(queue)) is not None and lead.epoch == follow.epoch:
            self._followers.setdefault(queue, {})[mirror] = follow.epoch
            self.due.setdefault(mirror, {})[queue] = None

    def committed(self, queue: str) -> None:
        """More of a queue is committed."""
        for mirror in self._followers.get(queue, ()):
            self.due.setdefault(mirror, {})[queue] = None

    def left(self, frames: Iterable[tuple[str, LeaderFrame]]) -> None:
        """These frames leave for mirrors: runs say how far their queue is committed."""
        if not self.due:
            return
        for mirror, frame in frames:
            due = self.due.get(mirror)
            if due and isinstance(frame, Append) and frame.queue in due:
                lead = self._core.lead_of(frame.queue)
                if lead is None or frame.commit >= lead.commit:
                    del due[frame.queue]

    def give(self) -> bool:
        """Tell what is due, if that was not done a moment ago; return whether anything was said.

        A mirror that does not have all runs yet is told later: with its runs, or then.
        """
        node = self._core.node
        if not self.due or node.now_ms - self._given_at_ms < APART_MS:
            return False
        has_told = False
        for mirror in list(self.due):
            if mirror not in node.to_mirrors:
                del self.due[mirror]
            elif self.has_room(mirror):
                has_told |= self._give(mirror)
        self._given_at_ms = node.now_ms
        return has_told

    def _give(self, mirror: str) -> bool:
        due, has_told = self.due[mirror], False
        for queue in list(due)[:AT_ONCE_MAX]:
            del due[queue]
            lead = self._core.lead_of(queue)
            if lead is None or self._followers.get(queue, {}).get(mirror) != lead.epoch:
                continue
            progress = lead.mirrors.get(mirror)
            if progress is None or not progress.is_settled():
                due[queue] = None
                continue
            note = CommitNote(queue, lead.epoch, lead.commit)
            self._core.node.ready.to_mirrors.append((mirror, note))
            has_told = True
        if not due:
            del self.due[mirror]
        return has_told

    def forget_mirror(self, mirror: str) -> None:
        """The connection to a mirror is over: it will follow anew."""
        self.due.pop(mirror, None)
        for queue in [each for each, known in self._followers.items() if mirror in known]:
            self._leave(mirror, queue)

    def forget_queue(self, queue: str) -> None:
        """The queue is not led here any more: mirrors follow its next leader."""
        for mirror in list(self._followers.get(queue, ())):
            self._leave(mirror, queue)

    def _leave(self, mirror: str, queue: str) -> None:
        followers = self._followers.get(queue)
        if followers is not None:
            followers.pop(mirror, None)
            if not followers:
                del self._followers[queue]
        self.due.get(mirror, {}).pop(queue, None)


def _always(_mirror: str) -> bool:
    return True

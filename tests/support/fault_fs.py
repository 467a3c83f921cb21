"""A disk in memory that does what disks do: forget, tear, fill up and fail.

``FaultFS`` is a ``persistence.files.Files``. Every change is an *operation*: numbered from 1,
noted, and refused on demand. After any of them there are two kinds of crash:

    killed()          the process died: all that was written is there, and unsynced as before
    crash(choose)     the power went: one of the states that may be left (see fault_disk)
    crash_states(n)   all of those states if they are at most n, else n of them, drawn by a seed

None of them changes the disk that they are asked of. A test at every step of a program is either

    disk.after_each = lambda operation: look_at(disk.crash_states(20, seed=operation.number))

or a run for each number, with ``halt_after`` set, which ends in a PowerCutError.
"""

import errno
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Final, NamedTuple, TypeAlias

from persistence.errors import FatalStorageError
from persistence.files import Octets, parts_of, path_parts
from tests.support.fault_disk import (
    KEPT_SHARES,
    Choose,
    Content,
    Folder,
    Names,
    Node,
    drawn,
    every_choice,
    keep_all,
    lose_all,
    parent_of,
)


class Kind(Enum):
    """What an operation does. READ and OPEN can be refused, but are none: they change nothing."""

    OPEN = auto()
    CREATE = auto()
    WRITE = auto()
    SYNC = auto()
    TRUNCATE = auto()
    MAKE_DIRECTORY = auto()
    RENAME = auto()
    REMOVE = auto()
    SYNC_DIRECTORY = auto()
    READ = auto()


class Operation(NamedTuple):
    """One change of the disk.

    Attributes:
        number: from 1; a READ or OPEN has that of the operation before it.
        path: what is changed; of a rename the old name.
        position, size_bytes: of a write or read; size_bytes also of a truncation.
    """

    number: int
    kind: Kind
    path: str
    position: int = 0
    size_bytes: int = 0


_CHANGES_NOTHING: Final = frozenset({Kind.READ, Kind.OPEN})

When: TypeAlias = int | Callable[[Operation], bool]
"""The number of an operation, or which ones."""


class PowerCutError(BaseException):
    """The test's program ends here; no ``except Exception`` may think otherwise."""


@dataclass(slots=True)
class _Fault:
    when: When
    error_number: int
    times_left: int | None

    def hits(self, operation: Operation) -> bool:
        if isinstance(self.when, int):
            hit = self.when == operation.number and operation.kind not in _CHANGES_NOTHING
        else:
            hit = self.when(operation)
        if not hit or self.times_left == 0:
            return False
        if self.times_left is not None:
            self.times_left -= 1
        return True


class FaultFS:
    """``Files`` in memory.

    Args:
        capacity_bytes: the disk is full when its files are so long together; None is never.

    Attributes:
        operations: all that was done, refused operations too.
        after_each: called after each operation, before its error is raised if it has one.
        halt_after: no operation after this number is begun: PowerCutError. None is never.
        has_refused_sync: whether what was written may be lost without a power cut.
    """

    def __init__(self, capacity_bytes: int | None = None) -> None:
        self.capacity_bytes = capacity_bytes
        self.operations: list[Operation] = []
        self.after_each: Callable[[Operation], None] | None = None
        self.halt_after: int | None = None
        self.has_refused_sync = False
        self._names = Names()
        self._faults: list[_Fault] = []

    # ── faults ──

    def fail_at(self, when: When, error_number: int, *, times: int | None = 1) -> None:
        """Refuse operations with an errno; reads can only be hit by a function.

        A refused write has written its first half. A refused sync gives up what it was to write:
        it is read back, and lost in a crash whatever a later sync says, unless written again.

        Args:
            when: the number of an operation, or a function that says which.
            error_number: as in errno.
            times: how often; None is for ever.
        """
        self._faults.append(_Fault(when, error_number, times))

    def stop_failing(self) -> None:
        """Forget what ``fail_at`` was told."""
        self._faults.clear()

    def damage(self, path: str, position: int, data: bytes) -> None:
        """Change octets that are on the disk, as rotten media do; not an operation."""
        content = self._content(path)
        for image in (content.current, content.durable):
            image[position : position + len(data)] = data[: max(len(image) - position, 0)]

    def flip_bit(self, path: str, position: int, bit: int = 0) -> None:
        """Turn one bit over, 0 the lowest of the octet; not an operation."""
        self.damage(path, position, bytes([self._content(path).current[position] ^ (1 << bit)]))

    # ── crashes ──

    def killed(self) -> "FaultFS":
        """Return the disk that the next process finds after this one was killed."""
        left = FaultFS(self.capacity_bytes)
        left._names = self._names.copy()
        return left

    def crash(self, choose: Choose) -> "FaultFS":
        """Return one of the disks that the machine may find after a power cut."""
        tree: dict[str, Node] = {}
        for path, node in self._names.after_crash(choose).items():
            left_over = Content(node.after_crash(choose)) if isinstance(node, Content) else Folder()
            tree[path] = left_over
        left = FaultFS(self.capacity_bytes)
        left._names = Names(tree)
        return left

    def crash_states(self, limit: int, seed: int) -> Iterator["FaultFS"]:
        """Yield every state that a power cut may leave, or ``limit`` of them if they are more.

        A drawn selection begins with the state that lost all it could, and the one that lost
        nothing.
        """
        if self._states_count() <= limit:
            yield from every_choice(self.crash)
            return
        draw = random.Random(seed)
        yield from [self.crash(lose_all), self.crash(keep_all)][:limit]
        for number in range(limit - 2):
            share = KEPT_SHARES[number % len(KEPT_SHARES)]
            yield self.crash(partial(drawn, draw, share))

    def _states_count(self) -> int:
        count: int = 2 ** self._names.choices_count()
        nodes = {*self._names.durable.values(), *(change.node for change in self._names.pending)}
        for node in nodes:
            count *= node.states_count() if isinstance(node, Content) else 1
        return count

    # ── the port ──

    def open(self, path: str, *, create: bool = False) -> "FaultFile":
        node = self._node(path)
        if node is None and create:
            self._folder(parent_of(path))
            made = node = Content()
            self.carry_out(Kind.CREATE, path, lambda: self._names.place(path, made))
        elif node is not None:
            self._open_there(path)
        if node is None:
            raise _error(errno.ENOENT, path)
        return FaultFile(self, path, self._content(path))

    def exists(self, path: str) -> bool:
        return self._node(path) is not None

    def names(self, directory: str = "") -> list[str]:
        self._folder(directory)
        self._open_there(directory)
        return sorted(
            path.rpartition("/")[2] for path in self._names.current if parent_of(path) == directory
        )

    def make_directory(self, path: str) -> None:
        if self._node(path) is not None:
            self._folder(path)
            return
        self._folder(parent_of(path))
        self.carry_out(Kind.MAKE_DIRECTORY, path, lambda: self._names.place(path, Folder()))

    def rename(self, old: str, new: str) -> None:
        replaced = self._node(new)
        content = self._content(old)
        self._folder(parent_of(new))
        if isinstance(replaced, Folder):
            raise _error(errno.EISDIR, new)
        if old != new:
            self.carry_out(Kind.RENAME, old, lambda: self._names.place(new, content))

    def remove(self, path: str) -> None:
        self._content(path)
        self.carry_out(Kind.REMOVE, path, lambda: self._names.remove(path))

    def remove_tree(self, path: str) -> None:
        if self._node(path) is None:
            return
        self._folder(path)
        inside = [other for other in self._names.current if other.startswith(f"{path}/")]
        for each in [*sorted(inside, key=lambda other: (-other.count("/"), other)), path]:
            self.carry_out(Kind.REMOVE, each, partial(self._names.remove, each))

    def fsync_directory(self, path: str = "") -> None:
        self._folder(path)
        self._open_there(path)
        try:
            self.carry_out(Kind.SYNC_DIRECTORY, path, lambda: self._names.fsync(path))
        except OSError as error:
            raise FatalStorageError(f"the folder {path!r} cannot be synced: {error}") from error

    def free_bytes(self) -> int:
        if self.capacity_bytes is None:
            return 1 << 50
        nodes = self._names.current.values()
        used_bytes = sum(len(node.current) for node in nodes if isinstance(node, Content))
        return max(self.capacity_bytes - used_bytes, 0)

    # ── behind it ──

    def _open_there(self, path: str) -> None:
        """Refuse to open what is there, where a test wants that."""
        if error := self.fault(Operation(len(self.operations), Kind.OPEN, path)):
            raise error

    def _node(self, path: str) -> Node | None:
        if not path_parts(path):
            raise ValueError("expected a path inside the data directory")
        parent = parent_of(path)
        if parent and isinstance(self._names.current.get(parent), Content):
            raise _error(errno.ENOTDIR, path)
        return self._names.current.get(path)

    def _content(self, path: str) -> Content:
        node = self._node(path)
        if isinstance(node, Folder):
            raise _error(errno.EISDIR, path)
        if node is None:
            raise _error(errno.ENOENT, path)
        return node

    def _folder(self, path: str) -> None:
        if not path_parts(path):
            return
        node = self._node(path)
        if not isinstance(node, Folder):
            raise _error(errno.ENOENT if node is None else errno.ENOTDIR, path)

    def carry_out(
        self,
        kind: Kind,
        path: str,
        effect: Callable[[], None],
        *,
        refused: Callable[[], None] | None = None,
        position: int = 0,
        size_bytes: int = 0,
        error: OSError | None = None,
    ) -> None:
        """Carry an operation out, or what of it happens when it is refused."""
        done_count = len(self.operations)
        if self.halt_after is not None and done_count >= self.halt_after:
            raise PowerCutError(f"after operation {self.halt_after}")
        operation = Operation(done_count + 1, kind, path, position, size_bytes)
        self.operations.append(operation)
        error = self.fault(operation) or error
        if error is None:
            effect()
        elif refused is not None:
            refused()
        if self.after_each is not None:
            self.after_each(operation)
        if error is not None:
            raise error

    def fault(self, operation: Operation) -> OSError | None:
        """Return the error that an operation has to fail with, if any."""
        hit = next((fault for fault in self._faults if fault.hits(operation)), None)
        return None if hit is None else _error(hit.error_number, operation.path)


class FaultFile:
    """``File`` on a ``FaultFS``. One that was removed can still be read and written."""

    def __init__(self, disk: FaultFS, path: str, content: Content) -> None:
        self._disk = disk
        self._path = path
        self._content = content
        self._is_open = True

    @property
    def size_bytes(self) -> int:
        self._require_open()
        return len(self._content.current)

    def write_at(self, position: int, data: Octets | Sequence[Octets]) -> None:
        self._require_open()
        octets = b"".join(parts_of(data))
        if not octets:
            return
        room_bytes = self._disk.free_bytes() + len(self._content.current) - position
        is_full = len(octets) > room_bytes
        fitting = octets[: max(room_bytes, 0)] if is_full else octets[: len(octets) // 2]
        self._disk.carry_out(
            Kind.WRITE,
            self._path,
            lambda: self._content.write(position, octets),
            refused=lambda: self._content.write(position, fitting),
            position=position,
            size_bytes=len(octets),
            error=_error(errno.ENOSPC, self._path) if is_full else None,
        )

    def read_at(self, position: int, size_bytes: int) -> bytes:
        self._require_open()
        number = len(self._disk.operations)
        operation = Operation(number, Kind.READ, self._path, position, size_bytes)
        if error := self._disk.fault(operation):
            raise error
        return bytes(self._content.current[position : position + max(size_bytes, 0)])

    def fsync(self) -> None:
        self._require_open()
        self._disk.carry_out(Kind.SYNC, self._path, self._content.fsync, refused=self._refuse_sync)

    def _refuse_sync(self) -> None:
        self._content.refuse_sync()
        self._disk.has_refused_sync = True

    def truncate(self, size_bytes: int) -> None:
        self._require_open()
        is_full = size_bytes - self.size_bytes > self._disk.free_bytes()
        self._disk.carry_out(
            Kind.TRUNCATE,
            self._path,
            lambda: self._content.truncate(size_bytes),
            size_bytes=size_bytes,
            error=_error(errno.ENOSPC, self._path) if is_full else None,
        )

    def done_with(self, position: int, size_bytes: int) -> None:
        self._require_open()
        if position == 0 and size_bytes >= self.size_bytes:
            self._content.drop_clean()

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        self._is_open = False

    def _require_open(self) -> None:
        if not self._is_open:
            raise _error(errno.EBADF, self._path)


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)

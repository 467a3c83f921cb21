"""What a disk holds, what the page cache holds, and what of the difference a crash may leave.

A file is its durable octets and, in order, what was done to it since its last sync. A crash keeps
of each write any subset of its sectors, and shows the length before or after any of them. A
sector is written from the page cache, so that it comes with all earlier writes to it. A cut is
kept or lost as one; writes into what a lost cut had freed are lost with it.

A name is changed in a list of its own. A crash keeps any subset of the changes since the sync of
their folder; no file ends up under two names. A change is one of the folder itself, not of its
path: it is seen where that folder is, and never in an earlier one of the same name.
"""

import random
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias, TypeVar

SECTOR_BYTES: Final = 512

EACH_SECTOR_MAX: Final = 3
"""Writes of up to so many sectors are torn sector by sector; larger ones also in larger ways."""

Choose: TypeAlias = Callable[[int], int]
"""Given how many possibilities there are, returns one: 0 loses the most, the last keeps the most.

Where there is one possibility it is not asked.
"""

State = TypeVar("State")


class Write(NamedTuple):
    """Sectors as the page cache held them after a write, and how long the file was then."""

    position: int
    image: bytes
    size_bytes: int

    @property
    def sectors_count(self) -> int:
        return len(self.image) // SECTOR_BYTES


class Cut(NamedTuple):
    """A truncation that shortened the file."""

    size_bytes: int


class Content:
    """The octets of one file.

    Attributes:
        durable: what a crash cannot take.
        current: what a read returns.
        pending: what was done since the last sync.
        refused_count: how many of these, from the first, a failed sync gave up: the next sync
            will not write them.
        was_refused: whether ``current`` holds what a failed sync gave up.
    """

    def __init__(self, durable: bytes = b"") -> None:
        self.durable = bytearray(durable)
        self.current = bytearray(durable)
        self.pending: list[Write | Cut] = []
        self.refused_count = 0
        self.was_refused = False

    def copy(self) -> "Content":
        copied = Content()
        copied.durable[:] = self.durable
        copied.current[:] = self.current
        copied.pending = list(self.pending)
        copied.refused_count = self.refused_count
        copied.was_refused = self.was_refused
        return copied

    def write(self, position: int, data: bytes) -> None:
        if not data:
            return
        if position > len(self.current):
            self.current += bytes(position - len(self.current))
        self.current[position : position + len(data)] = data
        first = position // SECTOR_BYTES * SECTOR_BYTES
        stop = -(-(position + len(data)) // SECTOR_BYTES) * SECTOR_BYTES
        image = bytes(self.current[first:stop]).ljust(stop - first, b"\0")
        self.pending.append(Write(first, image, len(self.current)))

    def truncate(self, size_bytes: int) -> None:
        if size_bytes < len(self.current):
            del self.current[size_bytes:]
            self.pending.append(Cut(size_bytes))
        elif size_bytes > len(self.current):
            self.current += bytes(size_bytes - len(self.current))
            self.pending.append(Write(0, b"", size_bytes))

    def fsync(self) -> None:
        for change in self.pending[self.refused_count :]:
            if isinstance(change, Cut):
                del self.durable[change.size_bytes :]
            else:
                _overlay(self.durable, change, range(change.sectors_count))
        _resize(self.durable, len(self.current))
        self.pending.clear()
        self.refused_count = 0

    def refuse_sync(self) -> None:
        self.refused_count = len(self.pending)
        self.was_refused = True

    def drop_clean(self) -> None:
        """Let go of what a failed sync gave up: reads find what the disk has."""
        if not self.was_refused:
            return
        self.was_refused = False
        del self.pending[: self.refused_count]
        self.refused_count = 0
        self.current[:] = self.durable
        for change in self.pending:
            if isinstance(change, Cut):
                del self.current[change.size_bytes :]
            else:
                _overlay(self.current, change, range(change.sectors_count))
                _resize(self.current, change.size_bytes)

    def states_count(self) -> int:
        """Return how many ways a crash has, counting those twice that come to the same."""
        writes = [change for change in self.pending if isinstance(change, Write)]
        count = (len(self.pending) - len(writes) + 1) * (len(writes) + 1)
        for write in writes:
            sectors = write.sectors_count
            count *= 2**sectors + (2 + sectors if sectors > EACH_SECTOR_MAX else 0)
        return count

    def after_crash(self, choose: Choose) -> bytes:
        """Return the octets that are left."""
        image = bytearray(self.durable)
        sizes = [len(image)]
        cuts_left = _one_of(1 + sum(isinstance(change, Cut) for change in self.pending), choose)
        visible_bytes: int | None = None  # after a lost cut: sectors from here on are not seen
        for change in self.pending:
            if isinstance(change, Write):
                kept = _kept_sectors(change.sectors_count, choose)
                if visible_bytes is None:
                    sizes.append(change.size_bytes)
                else:
                    first = change.position // SECTOR_BYTES
                    kept = [one for one in kept if (first + one) * SECTOR_BYTES < visible_bytes]
                _overlay(image, change, kept)
            elif cuts_left:
                cuts_left -= 1
                del image[change.size_bytes :]
                sizes = [change.size_bytes]
            else:
                freed_from = change.size_bytes
                visible_bytes = (
                    freed_from if visible_bytes is None else min(visible_bytes, freed_from)
                )
        _resize(image, sizes[_one_of(len(sizes), choose)])
        return bytes(image)


class Folder:
    """A folder; what is in it is known by paths."""


Node: TypeAlias = Content | Folder


class Placed(NamedTuple):
    """A node got a name: it was made, or had another before.

    Attributes:
        folder: what the name is in; None is the top one.
        is_synced: it is on the disk, in a folder whose own name may not be there.
    """

    path: str
    node: Node
    folder: Node | None
    is_synced: bool = False


class Removed(NamedTuple):
    """A name is gone; see ``Placed``."""

    path: str
    node: Node
    folder: Node | None
    is_synced: bool = False


class Names:
    """The tree of folders and files.

    Attributes:
        durable: path to node, as far as folders were synced.
        current: the same as the processes see it.
        pending: changes whose folder was not synced yet, or has no durable name itself.
    """

    def __init__(self, durable: dict[str, Node] | None = None) -> None:
        self.durable: dict[str, Node] = dict(durable or {})
        self.current: dict[str, Node] = dict(self.durable)
        self.pending: list[Placed | Removed] = []

    def copy(self) -> "Names":
        """Return a copy in which every node is a copy too."""
        nodes = {*self.durable.values(), *self.current.values()}
        nodes |= {change.node for change in self.pending}
        nodes |= {change.folder for change in self.pending if change.folder is not None}
        copies = {node: node.copy() if isinstance(node, Content) else Folder() for node in nodes}
        copied = Names()
        copied.durable = {path: copies[node] for path, node in self.durable.items()}
        copied.current = {path: copies[node] for path, node in self.current.items()}
        copied.pending = [
            change._replace(
                node=copies[change.node], folder=change.folder and copies[change.folder]
            )
            for change in self.pending
        ]
        return copied

    def place(self, path: str, node: Node) -> None:
        self._change(Placed(path, node, self.current.get(parent_of(path))))

    def remove(self, path: str) -> None:
        self._change(Removed(path, self.current[path], self.current.get(parent_of(path))))

    def _change(self, change: Placed | Removed) -> None:
        _apply(self.current, change)
        self.pending.append(change)

    def fsync(self, folder: str) -> None:
        """Make the changes in a folder durable; older ones that they overtake are none any more."""
        synced, left = self.current.get(folder), list[Placed | Removed]()
        for change in self.pending:
            is_inside = parent_of(change.path) == folder and change.folder is synced
            if not is_inside and not change.is_synced:
                left.append(change)
                continue
            left = [older for older in left if not _overtakes(change, older)]
            if _is_seen(self.durable, change):
                _apply(self.durable, change)
            else:
                left.append(change._replace(is_synced=True))
        self.pending = left

    def choices_count(self) -> int:
        """Return how many changes a crash may keep or lose."""
        return sum(not change.is_synced for change in self.pending)

    def after_crash(self, choose: Choose) -> dict[str, Node]:
        """Return the tree that is left; the content of its files has yet to be looked at."""
        left = dict(self.durable)
        for change in self.pending:
            if change.is_synced or choose(2):
                _apply(left, change)
        return {path: node for path, node in left.items() if _is_reachable(path, left)}


def parent_of(path: str) -> str:
    """Return the folder that a path is in."""
    return path.rpartition("/")[0]


def every_choice(crash: Callable[[Choose], State]) -> Iterator[State]:
    """Yield what ``crash`` returns for every sequence of choices there is."""
    odometer: list[list[int]] = []  # for each choice: which one, out of how many
    while True:
        yield crash(_replayed(odometer))
        while odometer and odometer[-1][0] == odometer[-1][1] - 1:
            odometer.pop()
        if not odometer:
            return
        odometer[-1][0] += 1


def _replayed(odometer: list[list[int]]) -> Choose:
    """Return a chooser that repeats the choices noted, and then notes the first of each."""
    asked = 0

    def choose(options_count: int) -> int:
        nonlocal asked
        if asked == len(odometer):
            odometer.append([0, options_count])
        asked += 1
        return odometer[asked - 1][0]

    return choose


def _apply(tree: dict[str, Node], change: Placed | Removed) -> None:
    """Change a tree; what finds nothing to change does nothing."""
    if isinstance(change, Placed):
        for path in [path for path, node in tree.items() if node is change.node]:
            del tree[path]
        if not _is_seen(tree, change):
            return
        if tree.get(change.path) not in {None, change.node}:
            _empty(tree, change.path)
        tree[change.path] = change.node
    elif tree.get(change.path) is change.node:
        _empty(tree, change.path)
        del tree[change.path]


def _is_seen(tree: dict[str, Node], change: Placed | Removed) -> bool:
    """Whether the folder of a change is there, and not another one of its name."""
    return tree.get(parent_of(change.path)) is change.folder


def _overtakes(change: Placed | Removed, older: Placed | Removed) -> bool:
    """Whether a change makes an older one of another folder impossible to see."""
    is_inside = older.path.startswith(f"{change.path}/")
    return older.node is change.node or (isinstance(change, Removed) and is_inside)


def _empty(tree: dict[str, Node], folder: str) -> None:
    for path in [path for path in tree if path.startswith(f"{folder}/")]:
        del tree[path]


def _is_reachable(path: str, tree: dict[str, Node]) -> bool:
    folder = parent_of(path)
    return not folder or (isinstance(tree.get(folder), Folder) and _is_reachable(folder, tree))


def _one_of(options_count: int, choose: Choose) -> int:
    return choose(options_count) if options_count > 1 else 0


def _kept_sectors(sectors_count: int, choose: Choose) -> list[int]:
    """Choose which sectors of a write reached the disk."""
    if sectors_count > EACH_SECTOR_MAX:
        shape = choose(4)
        if shape == 0:
            return []
        if shape == 1:
            return list(range(sectors_count))
        if shape == 2:
            return list(range(choose(sectors_count)))
    return [sector for sector in range(sectors_count) if choose(2)]


def _overlay(image: bytearray, write: Write, sectors: range | list[int]) -> None:
    for sector in sectors:
        start = sector * SECTOR_BYTES
        position = write.position + start
        if position > len(image):
            image += bytes(position - len(image))
        image[position : position + SECTOR_BYTES] = write.image[start : start + SECTOR_BYTES]


def _resize(image: bytearray, size_bytes: int) -> None:
    del image[size_bytes:]
    image += bytes(size_bytes - len(image))


KEPT_SHARES: Final = (0.05, 0.3, 0.5, 0.7, 0.95)
"""How much a drawn state keeps of what may be lost, each as often as the others."""


def lose_all(options_count: int) -> int:
    """Choose that all is lost that may be."""
    return 0


def keep_all(options_count: int) -> int:
    """Choose that all is kept."""
    return options_count - 1


def drawn(draw: random.Random, kept_share: float, options_count: int) -> int:
    """Choose by chance; of two options the one that keeps is as likely as ``kept_share``."""
    if options_count == 2:
        return int(draw.random() < kept_share)
    return draw.randrange(options_count)

"""The disk in memory leaves, after a power cut, only what its history may have left."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.support.fault_fs import FaultFS

MANY = 1_000_000
"""More states than the test has that asks for all of them."""


def content(disk: FaultFS, path: str) -> bytes | None:
    return disk.open(path).read_at(0, 1 << 20) if disk.exists(path) else None


PATHS = st.sampled_from(["a", "b", "c"])


class DiskAgainstHistory(RuleBasedStateMachine):
    """The model keeps every content of each file since its sync, every file of each name since
    the folder's: what a crash leaves is put together from those."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = FaultFS()
        self.now: dict[str, int] = {}  # name to number of the file
        self.histories: list[list[bytes]] = []
        self.occupants: dict[str, list[int | None]] = {path: [None] for path in "abc"}

    def note_names(self) -> None:
        for path, occupants in self.occupants.items():
            occupants.append(self.now.get(path))

    @rule(path=PATHS)
    def create(self, path: str) -> None:
        self.disk.open(path, create=True)
        if path not in self.now:
            self.now[path] = len(self.histories)
            self.histories.append([b""])
            self.note_names()

    @precondition(lambda self: self.now)
    @rule(data=st.data(), position=st.integers(0, 1500), size_bytes=st.integers(1, 900))
    def write(self, data: st.DataObject, position: int, size_bytes: int) -> None:
        path = data.draw(st.sampled_from(sorted(self.now)))
        octets = data.draw(st.binary(min_size=1, max_size=1)) * size_bytes
        self.disk.open(path).write_at(position, octets)
        before = self.histories[self.now[path]][-1]
        after = before.ljust(position, b"\0")
        after = after[:position] + octets + after[position + size_bytes :]
        self.histories[self.now[path]].append(after)

    @precondition(lambda self: self.now)
    @rule(data=st.data(), size_bytes=st.integers(0, 2000))
    def truncate(self, data: st.DataObject, size_bytes: int) -> None:
        path = data.draw(st.sampled_from(sorted(self.now)))
        self.disk.open(path).truncate(size_bytes)
        history = self.histories[self.now[path]]
        history.append(history[-1][:size_bytes].ljust(size_bytes, b"\0"))

    @precondition(lambda self: self.now)
    @rule(data=st.data())
    def fsync(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.now)))
        self.disk.open(path).fsync()
        del self.histories[self.now[path]][:-1]

    @precondition(lambda self: self.now)
    @rule(data=st.data(), new=PATHS)
    def rename(self, data: st.DataObject, new: str) -> None:
        old = data.draw(st.sampled_from(sorted(self.now)))
        self.disk.rename(old, new)
        self.now[new] = self.now.pop(old)
        self.note_names()

    @precondition(lambda self: self.now)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.now)))
        self.disk.remove(path)
        del self.now[path]
        self.note_names()

    @rule()
    def fsync_directory(self) -> None:
        self.disk.fsync_directory()
        for occupants in self.occupants.values():
            del occupants[:-1]

    @rule(seed=st.integers(0, 99))
    def look(self, seed: int) -> None:
        current = {path: self.histories[number][-1] for path, number in self.now.items()}
        for disk in (self.disk, self.disk.killed()):
            assert {path: content(disk, path) for path in disk.names()} == current
            for state in disk.crash_states(6, seed):
                self.judge(state)

    def judge(self, state: FaultFS) -> None:
        for path, occupants in self.occupants.items():
            left = content(state, path)
            if left is None:
                assert None in occupants
            else:
                files = [number for number in occupants if number is not None]
                assert any(may_be_left(left, self.histories[number]) for number in files)


def may_be_left(left: bytes, history: list[bytes]) -> bool:
    """Whether each octet is one that was there at some time, and the length too."""
    if len(left) not in {len(content) for content in history}:
        return False
    columns = zip(
        *(content.ljust(len(left), b"\0")[: len(left)] for content in history), strict=True
    )
    return all(octet in column for octet, column in zip(left, columns, strict=True))


TestDiskAgainstHistory = DiskAgainstHistory.TestCase
TestDiskAgainstHistory.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@given(position=st.integers(0, 2000), octets=st.binary(min_size=1, max_size=1200))
@settings(max_examples=30)
def test_drawn_states_are_some_of_all_states(position: int, octets: bytes) -> None:
    disk = FaultFS()
    file = disk.open("file", create=True)
    file.write_at(0, b"." * 1000)
    file.fsync()
    disk.fsync_directory()
    file.write_at(position, octets)
    every = {content(state, "file") for state in disk.crash_states(MANY, seed=0)}
    assert {content(state, "file") for state in disk.crash_states(3, seed=0)} <= every
    assert b"." * 1000 in every

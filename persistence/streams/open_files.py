"""The segments and indexes of streams that are open; their number is bounded.

A stream that neither writes nor is read has no descriptor. The files share the bound with those of
long queues: the one that was used longest ago is closed, and opened again when it is needed.
"""

from persistence.files import File, Files
from persistence.open_segments import OpenSegments


class OpenFile:
    """An open file; closed when another one needs the descriptor, and nobody holds it.

    Attributes:
        path: of the file.
        file: to read and write.
    """

    __slots__ = ("_hold_count", "_is_let_go", "_owner", "file", "path")

    def __init__(self, owner: "OpenFiles", path: str, file: File) -> None:
        self.path = path
        self.file = file
        self._owner = owner
        self._hold_count = 0
        self._is_let_go = False

    def hold(self) -> None:
        """Keep the file open for a write that another thread carries out."""
        self._hold_count += 1

    def release(self) -> None:
        """Note that such a write has been carried out."""
        self._hold_count -= 1
        if self._is_let_go and not self._hold_count:
            self.file.close()

    def let_go(self) -> None:
        """Close it, at once or after the writes that it is held for."""
        self._owner.forget(self)
        self._is_let_go = True
        if not self._hold_count:
            self.file.close()


class OpenFiles:
    """The open files of all streams.

    Args:
        files: the data directory.
        opened: counts them, together with the open files of queues.
    """

    def __init__(self, files: Files, opened: OpenSegments) -> None:
        self.files = files
        self._opened = opened
        self._by_path: dict[str, OpenFile] = {}

    def get(self, path: str, *, create: bool = False) -> OpenFile:
        """Return a file, and open it if need be.

        Raises:
            FileNotFoundError: there is none, and ``create`` is false.
            OSError: it cannot be opened.
        """
        found = self._by_path.get(path)
        if found is None:
            file = self.files.open(path, create=create)
            found = OpenFile(self, path, file)
            self._opened.make_room(found)
            self._by_path[path] = found
        self._opened.note_used(found)
        return found

    def close(self, path: str) -> None:
        """Close a file that is not needed any more, if it is open."""
        found = self._by_path.get(path)
        if found is not None:
            self._opened.forget(found)
            found.let_go()

    def forget(self, closed: OpenFile) -> None:
        """Note that a file is closed, or about to be."""
        self._by_path.pop(closed.path, None)

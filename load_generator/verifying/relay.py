"""Stands between the nodes of a cluster on one machine, and lets nothing through where it is told.

Each node is reached by the others at an address of a relay, which connects them to where the node
listens. Where a pair is cut, the octets of that direction are not read any more: the connection
stays and nothing arrives, as when packets are lost. A connection that is made meanwhile waits
until both directions are healed, as a handshake of TCP does. Nothing needs to be root.
"""

import selectors
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

Address: TypeAlias = tuple[str, int]
Who: TypeAlias = Callable[[Address], str]
BUFFER_BYTES: Final = 1 << 16
_WAKE_BYTES: Final = 64


class _End:
    """One socket of a connection, and what is to be written to it."""

    def __init__(self, connection: socket.socket, name: str) -> None:
        self.socket = connection
        self.name = name
        self.waiting = b""
        self.is_read_to_its_end = False
        self.is_shut = False


class _Passage:
    """A connection through a relay: from a node that dialed to the one that listens."""

    def __init__(self, near: _End, far_name: str, far_address: Address) -> None:
        self.near = near
        self.far: _End | None = None
        self.far_name = far_name
        self.far_address = far_address

    def other(self, end: _End) -> "_End | None":
        return self.far if end is self.near else self.near

    def ends(self) -> list[_End]:
        return [self.near] if self.far is None else [self.near, self.far]


class Relays:
    """The relays of a cluster, on one thread of their own."""

    def __init__(self, who: Who) -> None:
        """Begin without a relay.

        Args:
            who: returns the name of the node that owns a socket of this machine, by the socket's
                address; of a stranger, empty.
        """
        self._who = who
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._cuts: frozenset[tuple[str, str]] = frozenset()
        self._listeners: list[socket.socket] = []
        self._passages: set[_Passage] = set()
        self._ours, self._theirs = socket.socketpair()
        self._ours.settimeout(0)
        self._selector.register(self._ours, selectors.EVENT_READ, None)
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def add(self, name: str, listen: Address, to: Address) -> Address:
        """Add the relay of a node.

        Args:
            name: of the node.
            listen: where others reach it; port 0 takes a free one.
            to: where the node listens, or will.

        Returns:
            Where the relay listens.

        Raises:
            OSError: it cannot listen there.
        """
        listener = socket.create_server(listen)
        listener.settimeout(0)
        with self._lock:
            self._listeners.append(listener)
            self._selector.register(listener, selectors.EVENT_READ, (name, to))
        self._wake()
        address: Address = listener.getsockname()[:2]
        return address

    def cut(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Let nothing through from the first of each pair to the second, beside earlier cuts."""
        with self._lock:
            self._cuts |= frozenset(pairs)
        self._wake()

    def heal(self) -> None:
        """Let everything through."""
        with self._lock:
            self._cuts = frozenset()
        self._wake()

    def close(self) -> None:
        """Close all connections and listeners, and end the thread."""
        with self._lock:
            self._is_closing = True
            self._wake()  # with the lock, or the thread may have ended on another event before
        self._thread.join()
        self._theirs.close()

    def _wake(self) -> None:
        self._theirs.send(b"w")

    def _run(self) -> None:
        while True:
            ready = self._selector.select()
            with self._lock:
                if self._is_closing:
                    self._close_all()
                    return
                for key, events in ready:
                    self._serve(key, events)
                for passage in list(self._passages):
                    self._look_after(passage)

    def _serve(self, key: selectors.SelectorKey, events: int) -> None:
        if key.data is None:
            self._ours.recv(_WAKE_BYTES)
            return
        place, of = key.data
        if isinstance(place, str):
            listener = key.fileobj
            assert isinstance(listener, socket.socket), "a relay listens"
            self._accept(listener, place, of)
        elif place in self._passages:
            if events & selectors.EVENT_READ:
                self._read(place, of)
            if events & selectors.EVENT_WRITE:
                self._write(place, of)

    def _accept(self, listener: socket.socket, name: str, to: Address) -> None:
        try:
            connection, address = listener.accept()
        except OSError:
            return
        connection.settimeout(0)
        near = _End(connection, self._who(address[:2]))
        self._passages.add(_Passage(near, name, to))

    def _look_after(self, passage: _Passage) -> None:
        """Dial where a passage may; look for what its ends may do now."""
        near = passage.near
        ways = {(near.name, passage.far_name), (passage.far_name, near.name)}
        if passage.far is None and not ways & self._cuts:
            try:
                far = socket.create_connection(passage.far_address, 1.0)
            except OSError:
                self._end(passage)
                return
            far.settimeout(0)
            passage.far = _End(far, passage.far_name)
        for end in passage.ends():
            self._watch(passage, end)

    def _watch(self, passage: _Passage, end: _End) -> None:
        other = passage.other(end)
        events = selectors.EVENT_WRITE if end.waiting else 0
        if (
            other is not None
            and not end.is_read_to_its_end
            and len(other.waiting) < BUFFER_BYTES
            and (end.name, other.name) not in self._cuts
        ):
            events |= selectors.EVENT_READ
        known = self._selector.get_map().get(end.socket.fileno())
        if events and known is None:
            self._selector.register(end.socket, events, (passage, end))
        elif events and known is not None and known.events != events:
            self._selector.modify(end.socket, events, (passage, end))
        elif not events and known is not None:
            self._selector.unregister(end.socket)

    def _read(self, passage: _Passage, end: _End) -> None:
        other = passage.other(end)
        if other is None or (end.name, other.name) in self._cuts:
            return
        try:
            octets = end.socket.recv(BUFFER_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._end(passage)
            return
        other.waiting += octets
        end.is_read_to_its_end = not octets
        self._write(passage, other)

    def _write(self, passage: _Passage, end: _End) -> None:
        try:
            if end.waiting:
                end.waiting = end.waiting[end.socket.send(end.waiting) :]
        except BlockingIOError:
            return
        except OSError:
            self._end(passage)
            return
        other = passage.other(end)
        if other is not None and other.is_read_to_its_end and not end.waiting and not end.is_shut:
            end.is_shut = True
            with suppress(OSError):
                end.socket.shutdown(socket.SHUT_WR)
            if other.is_shut:
                self._end(passage)

    def _end(self, passage: _Passage) -> None:
        self._passages.discard(passage)
        for end in passage.ends():
            if end.socket.fileno() in self._selector.get_map():
                self._selector.unregister(end.socket)
            end.socket.close()

    def _close_all(self) -> None:
        for passage in list(self._passages):
            self._end(passage)
        for listener in self._listeners:
            listener.close()
        self._selector.close()
        self._ours.close()


def inode_of(address: Address, table: str) -> int | None:
    """Return the inode of the TCP socket with a local IPv4 address; None: there is none.

    Args:
        address: of the socket.
        table: the text of ``/proc/net/tcp``.
    """
    host, port = address
    octets = bytes(int(part) for part in host.split("."))
    wanted = f"{octets[::-1].hex().upper()}:{port:04X}"
    for line in table.splitlines()[1:]:
        words = line.split()
        if words[1] == wanted and words[9] != "0":
            return int(words[9])
    return None


def owner_of(address: Address, pids: Iterable[int]) -> int | None:
    """Return which of some processes has the socket with a local address; None: none has it."""
    inode = inode_of(address, Path("/proc/net/tcp").read_text(encoding="ascii"))
    name = f"socket:[{inode}]"
    for pid in pids:
        with suppress(OSError):
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    if str(link.readlink()) == name:
                        return pid
    return None

"""A TCP link between a client and the broker that a test can cut, as a bad network does."""

import contextlib
import select
import socket
import threading
from types import TracebackType
from typing import Final, Self

CONNECTIONS_MAX: Final = 16
_READ_BYTES_MAX: Final = 65536
_LOOK_INTERVAL_S: Final = 0.05


class Link:
    """Listens on a port of its own and passes bytes to and from the broker until cut.

    Invariant: ``connection_count`` never falls; it counts every client ever let through.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_LOOK_INTERVAL_S)
        self.port: int = self._listener.getsockname()[1]
        self.connection_count = 0
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        self.cut()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            assert self.connection_count < CONNECTIONS_MAX, "a client that connects for ever"
            broker = socket.create_connection(self._target)
            with self._lock:
                self.connection_count += 1
                self._pairs.append((client, broker))
            pump = threading.Thread(target=self._pump, args=(client, broker))
            self._threads.append(pump)
            pump.start()

    def _pump(self, client: socket.socket, broker: socket.socket) -> None:
        other = {client: broker, broker: client}
        with client, broker, contextlib.suppress(OSError, ValueError):
            while not self._closing.is_set():
                for side in select.select(list(other), [], [], _LOOK_INTERVAL_S)[0]:
                    received = side.recv(_READ_BYTES_MAX)
                    if not received:
                        return
                    other[side].sendall(received)

    def cut(self) -> None:
        """Break every connection on the link at once; new ones are let through."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for side in pair:
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)

"""Notices that a peer has gone although its socket is not read.

A loop learns that a peer has closed, or reset, the connection by reading its socket. While we do
not read (an alarm, answers that the peer does not take) its end would wait behind what it has sent,
for as long as we wait. The kernel can report the end before those bytes (EPOLLRDHUP), but asyncio
cannot. So these sockets are watched by an epoll of their own, and the loop watches this epoll. A
socket that is read costs nothing.
"""

import asyncio
import contextlib
import select
from collections.abc import Callable
from typing import Final, TypeAlias

OnHangUp: TypeAlias = Callable[[bool], None]
"""Called when a peer sends no more; True for a reset, after which it takes no output either."""

_EVENTS_PER_LOOK: Final = 64
_GONE: Final = select.EPOLLHUP | select.EPOLLERR


class HangUps:
    """The sockets of one loop that are not read.

    Invariant: a socket is watched from ``watch`` until ``forget``; its half-close is told once.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll: select.epoll | None = None
        self._watched: dict[int, OnHangUp] = {}

    def watch(self, descriptor: int, on_hang_up: OnHangUp) -> None:
        """Report when this socket's peer goes, or that it has gone already."""
        if self._epoll is None:
            self._epoll = select.epoll()
            self._loop.add_reader(self._epoll.fileno(), self._look)
        if descriptor not in self._watched:
            self._epoll.register(descriptor, select.EPOLLRDHUP)
        self._watched[descriptor] = on_hang_up

    def forget(self, descriptor: int) -> None:
        """Stop watching a socket that is read again or closed; a second call has no effect."""
        if self._watched.pop(descriptor, None) is not None and self._epoll is not None:
            with contextlib.suppress(OSError):  # the kernel forgets a closed socket by itself
                self._epoll.unregister(descriptor)

    def close(self) -> None:
        """Watch nothing any more."""
        if self._epoll is not None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None
        self._watched.clear()

    def _look(self) -> None:
        assert self._epoll is not None, "closed, it is not looked at"
        for descriptor, events in self._epoll.poll(0, _EVENTS_PER_LOOK):
            on_hang_up = self._watched.get(descriptor)
            if on_hang_up is None:
                continue
            if events & _GONE:
                self.forget(descriptor)
            else:
                self._epoll.modify(descriptor, 0)  # a reset is reported all the same
            on_hang_up(bool(events & _GONE))

"""What tests need that run on a real loop with real sockets."""

import socket
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import pytest

Run: TypeAlias = Callable[[Coroutine[Any, Any, None]], None]
"""Runs a coroutine to its end on a fresh loop, within a few seconds."""


def has_ipv6() -> bool:
    """Return whether ::1 can be bound here; containers often cannot."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


NEEDS_IPV6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback here")

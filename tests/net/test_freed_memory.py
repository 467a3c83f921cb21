"""The C library is told to keep freed memory, where it can be told."""

import ctypes
from types import SimpleNamespace

import pytest

from amqp_server.net import freed_memory


def test_glibc_is_told_both_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[int, int] = {}

    def mallopt(option: int, value: int) -> int:
        told[option] = value
        return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace(mallopt=mallopt))
    assert freed_memory.keep_freed_memory()
    assert told == {-3: freed_memory.OWN_PAGES_FROM_BYTES, -1: freed_memory.KEPT_BYTES_MAX}


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace())
    assert not freed_memory.keep_freed_memory()

"""Memory for writes past the page cache: both builds."""

import ctypes
import gc
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence import direct_memory
from persistence.direct_memory import ALL_BYTES_MAX, MEMORY_BYTES_MAX, PAGE_BYTES
from tests.support.twins import needs_kernels, twin_of

BUILDS = [
    pytest.param(twin_of("persistence.direct_memory"), id="interpreted"),
    pytest.param(direct_memory, id="compiled", marks=needs_kernels),
]
MIB = 1 << 20


def address_of(view: memoryview) -> int:
    """Return where the first octet of a view lies: the first field of CPython's ``Py_buffer``."""
    found = (ctypes.c_void_p * 32)()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(view), found, 0)
    address = found[0]
    ctypes.pythonapi.PyBuffer_Release(found)
    return address or 0


@pytest.mark.parametrize("build", BUILDS)
@given(parts=st.lists(st.binary(max_size=9_000), min_size=1), position=st.integers(0, 1 << 40))
def test_parts_are_copied_one_behind_the_other(
    build: ModuleType, parts: list[bytes], position: int
) -> None:
    whole = b"".join(parts)
    view = build.gather(parts, position)
    if not whole:
        assert view is None
        return
    assert view == whole
    assert view.readonly
    assert (view.itemsize, view.ndim, view.contiguous) == (1, 1, True)


@needs_kernels
@pytest.mark.parametrize("position", [0, 1, 63, 4095, 4096, 1_000_001])
def test_octets_lie_in_a_page_as_they_do_in_the_file(position: int) -> None:
    view = direct_memory.gather([b"x", b"y" * 10_000], position)
    assert view is not None
    assert address_of(view) % PAGE_BYTES == position % PAGE_BYTES


@pytest.mark.parametrize("build", BUILDS)
def test_all_kinds_of_octets_are_taken(build: ModuleType) -> None:
    parts = [b"ab", bytearray(b"cd"), memoryview(b"xefx")[1:3], b""]
    assert build.gather(parts, 5) == b"abcdef"


@pytest.mark.parametrize("build", BUILDS)
def test_what_is_too_large_or_nothing_gets_no_memory(build: ModuleType) -> None:
    assert build.gather([], 0) is None
    assert build.gather([b""], 0) is None
    assert build.gather([b"x"], -1) is None
    assert build.gather([bytes(MEMORY_BYTES_MAX)], 0) is None
    assert build.gather([bytes(MEMORY_BYTES_MAX - PAGE_BYTES)], 4095) is not None


@pytest.mark.parametrize("build", BUILDS)
def test_views_that_stay_take_memory_up_to_a_limit_and_give_it_back(build: ModuleType) -> None:
    gc.collect()
    before = build.used_bytes()
    views = [build.gather([bytes(MIB)], 0) for _ in range(2 * ALL_BYTES_MAX // MIB)]
    held = [view for view in views if view is not None]
    assert 0 < len(held) < len(views)
    assert len(held) * MIB <= build.used_bytes() <= ALL_BYTES_MAX
    part = held[0][:1]
    del views, held
    assert before < build.used_bytes() <= before + 2 * MIB, "a view of one octet holds all"
    del part
    assert build.used_bytes() == before
    assert build.gather([b"again"], 0) == b"again"


@pytest.mark.parametrize("build", BUILDS)
def test_memory_that_was_given_back_serves_writes_of_other_sizes(build: ModuleType) -> None:
    for size_bytes in (1, 3 * MIB, MIB, 15 * MIB, 2 * MIB, 15 * MIB, 1) * 4:
        octets = bytes([size_bytes % 251]) * size_bytes
        assert build.gather([octets], size_bytes) == octets

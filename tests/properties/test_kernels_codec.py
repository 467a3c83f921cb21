"""Runs as octets: kernel and twin write the same, and refuse the same (ADR 3, ADR 12)."""

from types import ModuleType

from hypothesis import given
from hypothesis import strategies as st

from persistence import codec
from persistence.errors import DamagedError
from persistence.record import LARGE_BODY_BYTES, NO_TTL, Record
from tests.support.memory_runs import in_memory
from tests.support.twins import needs_kernels, twin_of

pytestmark = needs_kernels

twin = twin_of("persistence.codec")

RECORDS = st.lists(
    st.builds(
        Record,
        st.sampled_from([b"\x00\x00", b"\x00\x01a", b"\x01x\x00", b"\x02ex\x03key"]),
        st.sampled_from([b"h" * 14, b"i" * 14, b"long header" * 3]),
        st.binary(max_size=9) | st.sampled_from([b"b" * 40, b"c" * 65]),
        st.sampled_from([0, 1, 0x1000, 0xFFFF]),
        st.integers(0, 255),
        st.sampled_from([NO_TTL, NO_TTL, 0, 5, 10**11 - 1]),
    ),
    max_size=20,
)


def decoded(module: ModuleType, octets: bytes, count: int) -> list[Record] | str:
    """Return the records, or what was said of the damage."""
    try:
        return list(module.decode_run(octets, count))
    except DamagedError as damage:
        return str(damage)


@given(RECORDS)
def test_both_write_the_same(run: list[Record]) -> None:
    octets = codec.encode_run(run)
    assert octets == twin.encode_run(run)
    assert decoded(codec, octets, len(run)) == decoded(twin, octets, len(run)) == run
    assert codec.persistent_ranges(run) == twin.persistent_ranges(run)


@given(RECORDS.filter(len), st.slices(20))
def test_a_view_of_memory_is_written_like_its_records(run: list[Record], cut: slice) -> None:
    memory = in_memory(run)[cut]
    assert codec.encode_run(memory) == twin.encode_run(list(memory))
    assert bytes(codec.lent_octets(memory)) == twin.lent_octets(list(memory))
    assert codec.persistent_ranges(memory) == twin.persistent_ranges(list(memory))


@given(RECORDS.filter(len), st.integers(0, 19), st.integers(0, 9))
def test_a_large_message_is_written_alike_without_a_copy(
    run: list[Record], index: int, odd: int
) -> None:
    large = run[0]._replace(body=b"b" * (LARGE_BODY_BYTES - 4 + odd))
    whole = in_memory([*run[:index], large, *run[index:]])
    place = min(index, len(run))
    memory = whole[place : place + 1]
    octets = codec.octets_of(memory)
    assert isinstance(octets, memoryview) == (len(large.body) >= LARGE_BODY_BYTES)
    assert octets == twin.octets_of([large]) == twin.encode_run([large])
    assert codec.octets_of(whole) == twin.octets_of(list(whole))
    del whole, memory
    assert decoded(codec, bytes(octets), 1) == [large]


@given(RECORDS, st.integers(-1, 25), st.data())
def test_both_refuse_the_same(run: list[Record], count: int, data: st.DataObject) -> None:
    octets = bytearray(codec.encode_run(run))
    for _ in range(data.draw(st.integers(0, 3))):
        if octets:
            octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(octets[: data.draw(st.integers(0, len(octets)))])
    assert decoded(codec, cut, count) == decoded(twin, cut, count)
    assert decoded(codec, bytes(octets), len(run)) == decoded(twin, bytes(octets), len(run))


@given(st.binary(max_size=200), st.integers(0, 5))
def test_both_refuse_noise(noise: bytes, count: int) -> None:
    assert decoded(codec, noise, count) == decoded(twin, noise, count)

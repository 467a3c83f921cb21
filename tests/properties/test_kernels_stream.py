"""Messages of streams: kernels and twins convert the same, both ways, whatever the octets are."""

from types import ModuleType

from hypothesis import given
from hypothesis import strategies as st

from persistence.record import Record
from queues.stream import from_amqp10, to_amqp10
from queues.stream.amqp10 import MalformedMessageError
from queues.stream.from_amqp10 import Wanted
from tests.support.memory_runs import in_memory
from tests.support.property_lists import PROPERTY_LISTS
from tests.support.stream_messages import framed, known_answers, record_of, sub_batch
from tests.support.twins import needs_kernels, twin_of

pytestmark = needs_kernels

to_twin = twin_of("queues.stream.to_amqp10")
from_twin = twin_of("queues.stream.from_amqp10")

STORED = [bytes.fromhex(answer["message"]) for answer in known_answers("stored")]
PIECES = [message[start : start + 24] for message in STORED for start in (0, 3, 9, 17)]
TELLING = list(bytes.fromhex("00 40 41 43 44 45 53 70 73 75 a1 a3 b1 c1 d0 d1 e0 f0 01 80 ff"))


@st.composite
def broken(draw: st.DrawFn, octets: st.SearchStrategy[bytes]) -> bytes:
    """Return octets with a few of them changed, left out, or put between."""
    drawn = bytearray(draw(octets))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(drawn)))
        match draw(st.integers(0, 2)):
            case 0:
                drawn[at : at + 1] = bytes((draw(st.sampled_from(TELLING) | st.integers(0, 255)),))
            case 1:
                del drawn[at : at + draw(st.integers(1, 4))]
            case _:
                drawn[at:at] = draw(st.sampled_from(PIECES))
    return bytes(drawn)


WRITTEN = st.builds(
    to_twin.to_amqp10, st.binary(max_size=5), st.binary(max_size=5), PROPERTY_LISTS, st.binary()
)
MESSAGES = broken(
    st.sampled_from(STORED) | WRITTEN | st.lists(st.sampled_from(PIECES)).map(b"".join)
)
DATA_SECTIONS = broken(
    st.lists(
        MESSAGES.map(framed)
        | st.builds(
            sub_batch,
            st.lists(MESSAGES, max_size=3),
            compression=st.integers(0, 1),
            count=st.none() | st.integers(0, 4),
        ),
        max_size=5,
    ).map(b"".join)
)
WANTED = st.builds(
    Wanted,
    from_offset=st.integers(0, 4),
    count_max=st.integers(0, 5),
    bytes_max=st.sampled_from([0, 1, 100, 1 << 30]),
    filter_values=st.none() | st.just(frozenset([b""])) | st.just(frozenset([b"eu"])),
)


def told(module: ModuleType, message: bytes) -> object:
    try:
        return module.from_amqp10(message)
    except MalformedMessageError:
        return "malformed"


def read(module: ModuleType, data: bytes, wanted: Wanted) -> object:
    try:
        found = module.read_messages(data, 0, 0, b"queue", wanted)
    except MalformedMessageError:
        return "malformed"
    return list(found.run), list(found.offsets), found.position, found.next_offset


@given(broken(PROPERTY_LISTS), broken(st.binary(max_size=9)), st.binary(max_size=9))
def test_both_write_the_same(properties: bytes, body: bytes, name: bytes) -> None:
    args = name, name[::-1], properties, body
    assert to_amqp10.to_amqp10(*args) == to_twin.to_amqp10(*args)


@given(
    st.lists(st.builds(record_of, PROPERTY_LISTS, st.binary(max_size=300)), max_size=4),
    st.slices(9),
)
def test_both_append_the_same(records: list[Record], cut: slice) -> None:
    run = records + records[:1] * 3 + records[-1:]
    data, others = bytearray(b"-"), bytearray(b"-")
    memory = in_memory(run)[cut] if run else run
    assert to_amqp10.append_messages(data, memory) == to_twin.append_messages(others, list(memory))
    assert data == others


@given(MESSAGES)
def test_both_tell_the_same(message: bytes) -> None:
    assert told(from_amqp10, message) == told(from_twin, message)


@given(DATA_SECTIONS, WANTED)
def test_both_read_the_same(data: bytes, wanted: Wanted) -> None:
    found = read(from_amqp10, data, wanted)
    assert found == read(from_twin, data, wanted)
    assert found == read(from_amqp10, memoryview(bytearray(data)), wanted)  # type: ignore[arg-type]


@given(st.binary(max_size=60), WANTED)
def test_both_read_noise_as_noise(noise: bytes, wanted: Wanted) -> None:
    assert read(from_amqp10, noise, wanted) == read(from_twin, noise, wanted)
    assert told(from_amqp10, noise) == told(from_twin, noise)

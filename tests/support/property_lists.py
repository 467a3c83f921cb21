"""Property lists of AMQP 0-9-1 for the tests of streams: any that a client may send."""

from hypothesis import strategies as st

from conformance import fields
from conformance.fields import Decimal, Typed

TEXTS = st.one_of(
    st.text(max_size=8).map(lambda text: text.encode()[:255]),
    st.binary(max_size=8),
    st.sampled_from([b"", b"urn:uuid:01234567-89ab-cdef-0123-456789abcdef", b"x" * 255]),
)
LONG_TEXTS = st.one_of(TEXTS, st.sampled_from([b"x" * 256, b"a\0b", "é".encode() * 128]))
KEYS = st.one_of(
    TEXTS,
    st.sampled_from(
        [
            *(b"k", b"x-k", b"x-", b"CC", b"x-cc", b"x-exchange", b"x-routing-key"),
            *(b"x-basic-type", b"x-amqp-0.9.1-headers", b"x-stream-filter-value", b"x-death"),
            *(b"x-stream-publisher", b"x-stream-publishing-id"),
            *(b"x-message-id", b"x-correlation-id", "x-é".encode()),
        ]
    ),
)


def _integers(tag: str, bits: int, *, signed: bool) -> st.SearchStrategy[Typed]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    near = st.integers(max(low, -130), min(high, 260))
    return st.one_of(near, st.integers(low, high)).map(lambda value: Typed(tag, value))


LEAVES: st.SearchStrategy[object] = st.one_of(
    LONG_TEXTS.map(lambda octets: Typed("S", octets)),
    LONG_TEXTS.map(lambda octets: Typed("x", octets)),
    st.booleans(),
    st.none(),
    _integers("b", 8, signed=True),
    _integers("B", 8, signed=False),
    _integers("s", 16, signed=True),
    _integers("u", 16, signed=False),
    _integers("I", 32, signed=True),
    _integers("i", 32, signed=False),
    _integers("l", 64, signed=True),
    _integers("L", 64, signed=True),
    _integers("T", 64, signed=False),
    st.floats(width=32).map(lambda value: Typed("f", value)),
    st.floats().map(lambda value: Typed("d", value)),
    st.integers(0, 255).map(lambda scale: Typed("D", Decimal(scale, scale - 100))),
)
VALUES: st.SearchStrategy[object] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: Typed("A", items)),
        st.dictionaries(KEYS, inner, max_size=3).map(lambda table: Typed("F", table)),
    ),
    max_leaves=6,
)
HEADERS = st.dictionaries(KEYS, VALUES, max_size=6).map(
    lambda table: b"".join(
        [fields.shortstr(key) + fields.field(value) for key, value in table.items()]
    )
)
OPTIONAL: dict[str, st.SearchStrategy[object]] = {
    "content_type": TEXTS,
    "content_encoding": TEXTS,
    "headers": HEADERS,
    "delivery_mode": st.integers(0, 255) | st.sampled_from([1, 2]),
    "priority": st.integers(0, 255),
    "correlation_id": TEXTS,
    "reply_to": TEXTS,
    "expiration": TEXTS | st.sampled_from([b"0", b"60000", b"007", b"4294967295", b"4294967296"]),
    "message_id": TEXTS,
    "timestamp": st.integers(0, 2**64 - 1) | st.integers(0, 2**31),
    "type": TEXTS | st.just(b"amqp-1.0"),
    "user_id": TEXTS,
    "app_id": TEXTS,
    "cluster_id": TEXTS,
}
PROPERTY_LISTS = st.fixed_dictionaries({}, optional=OPTIONAL).map(
    lambda given: fields.properties(**given)
)


def in_order(properties: bytes) -> bytes:
    """Return a property list as it comes back from a stream.

    Its headers stand in another order: names of annotations first, then those of application
    properties, then the others. A headers table without fields is no headers.
    """
    flags = int.from_bytes(properties[:2])
    if not flags & 1 << 13:
        return properties
    start = 2
    for bit in (15, 14):
        if flags & 1 << bit:
            start += 1 + properties[start]
    size = int.from_bytes(properties[start : start + 4])
    table, rest = properties[start + 4 : start + 4 + size], properties[start + 4 + size :]
    pairs = sorted(pairs_of(table), key=lambda pair: place_of(*pair))
    found = b"".join([field for _, field in pairs])
    if not found:
        return (flags & ~(1 << 13)).to_bytes(2) + properties[2:start] + rest
    return properties[:start] + len(found).to_bytes(4) + found + rest


def pairs_of(table: bytes) -> list[tuple[bytes, bytes]]:
    """Return key and octets of each field, without those of a header that streams set."""
    pairs, position = [], 0
    while position < len(table):
        value_at = position + 1 + table[position]
        key = table[position + 1 : value_at]
        stop = value_at + 1 + FIXED.get(table[value_at : value_at + 1], 8)
        if table[value_at : value_at + 1] in b"SxFA":
            stop = value_at + 5 + int.from_bytes(table[value_at + 1 : value_at + 5])
        if key != b"x-stream-offset":
            pairs.append((key, table[position:stop]))
        position = stop
    return pairs


FIXED = {b"t": 1, b"b": 1, b"B": 1, b"s": 2, b"u": 2, b"I": 4, b"i": 4, b"f": 4, b"D": 5, b"V": 0}
OURS = {b"x-exchange", b"x-routing-key", b"x-cc", b"x-amqp-0.9.1-headers"}


def place_of(key: bytes, field: bytes) -> int:
    """Return 0 for a field that is an annotation, 1 for an application property, 2 for others."""
    tag = field[1 + len(key) : 2 + len(key)]
    is_huge = tag == b"T" and int.from_bytes(field[2 + len(key) :]) > (2**63 - 1) // 1000
    if tag == b"D" or is_huge:
        return 2
    if key == b"CC" and tag == b"A":
        return 0
    if key.startswith(b"x-"):
        return 0 if key.isascii() and key not in OURS and not key.startswith(b"x-basic-") else 2
    try:
        key.decode()
    except UnicodeDecodeError:
        return 2
    return 2 if tag in b"FA" else 1

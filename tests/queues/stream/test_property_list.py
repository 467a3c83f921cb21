from hypothesis import given
from hypothesis import strategies as st

from conformance import fields
from queues.stream.property_list import PropertyList
from tests.support.property_lists import PROPERTY_LISTS

PLAIN = fields.properties(
    content_type="a/b", headers={"k": 1}, delivery_mode=2, timestamp=5, cluster_id="c"
)


def test_each_property_stands_without_a_size() -> None:
    given_ = PropertyList(PLAIN)
    assert given_.content_type == b"a/b"
    assert given_.content_encoding is None
    assert given_.headers == fields.elements({"k": 1})
    assert given_.delivery_mode == b"\x02"
    assert given_.timestamp == (5).to_bytes(8)
    assert given_.cluster_id == b"c"


def test_what_is_cut_short_is_absent_with_all_that_follows() -> None:
    names = ("content_type", "headers", "delivery_mode", "timestamp", "cluster_id")
    for stop in range(len(PLAIN)):
        cut = PropertyList(PLAIN[:stop])
        found = [getattr(cut, name) is not None for name in names]
        assert found == sorted(found, reverse=True)
        assert not all(found)


@given(PROPERTY_LISTS)
def test_every_property_is_found(octets: bytes) -> None:
    found = vars(PropertyList(octets))
    for name, (bit, _) in fields.PROPERTIES.items():
        assert (found[name] is not None) == bool(int.from_bytes(octets[:2]) & 1 << bit)


@given(st.binary(max_size=40))
def test_any_octets_are_cut_somehow(octets: bytes) -> None:
    PropertyList(octets)

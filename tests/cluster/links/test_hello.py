"""What nodes say of themselves, as octets and back."""

import pytest

from cluster.links.errors import LinkError
from cluster.links.hello import decode_hello, encode_hello
from tests.support.linked_pair import hello


def test_a_hello_comes_back_as_it_was() -> None:
    said = hello("a", "b", cluster="größer", incarnation=1 << 60)
    assert decode_hello(memoryview(encode_hello(said))) == said


def test_every_cut_and_every_octet_too_much_of_a_hello_is_refused() -> None:
    octets = encode_hello(hello("a", "b"))
    for size in range(len(octets)):
        with pytest.raises(LinkError):
            decode_hello(memoryview(octets[:size]))
    with pytest.raises(LinkError, match="1 octets behind a hello"):
        decode_hello(memoryview(octets + b"x"))

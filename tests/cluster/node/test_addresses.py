import pytest

from cluster.links.sockets.dialer import Address, TcpAddress, UnixAddress
from cluster.node.addresses import address_of


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("host:5672", TcpAddress("host", 5672)),
        ("10.0.0.1:1", TcpAddress("10.0.0.1", 1)),
        ("[::1]:65535", TcpAddress("::1", 65535)),
        ("unix:/run/haremq/a.links", UnixAddress("/run/haremq/a.links")),
        ("", None),
        ("unix:", None),
        ("host", None),
        (":5672", None),
        ("host:", None),
        ("host:0", None),
        ("host:65536", None),
        ("host:-1", None),
        ("host:\u0661", None),
    ],
)
def test_the_text_of_a_live_key_is_an_address_or_none(text: str, address: Address | None) -> None:
    assert address_of(text, None) == address

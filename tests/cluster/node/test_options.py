import ssl
from dataclasses import replace

import pytest

from cluster.metadata.etcd.address import EtcdAddress
from cluster.node.options import ClusterOptions, LinkTls

NAMING = LinkTls(
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    names_nodes=True,
)
GOOD = ClusterOptions(
    cluster="c",
    node="a",
    etcd=EtcdAddress(("http://127.0.0.1:2379",)),
    secret=b"of the cluster",
    listening=(),
    addresses=(("links", "127.0.0.1:25671"),),
)


def test_the_secret_is_not_shown() -> None:
    assert "of the cluster" not in repr(GOOD)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"node": ""}, "names"),
        ({"lease_ttl_ms": 1_999}, "2000 ms or more, got 1999"),
        ({"lease_margin_ms": 3_000}, "margin"),
        ({"addresses": (("amqp", "127.0.0.1:5672"),)}, "reach the links"),
        ({"secret": b""}, "secret"),
        ({"requests_max": 0}, "request"),
        ({"tls": NAMING, "addresses": (("links", "unix:/run/a"),)}, "Unix socket"),
    ],
)
def test_what_could_not_work_is_refused_with_a_text(change: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        replace(GOOD, **change)  # type: ignore[arg-type]

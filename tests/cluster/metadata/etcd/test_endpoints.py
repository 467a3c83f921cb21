import pytest

from cluster.metadata.etcd.endpoints import Endpoints


def test_who_fails_is_asked_last() -> None:
    endpoints = Endpoints(["http://a", "http://b/", "https://c", "http://a"])
    endpoints.failed("http://a")
    assert endpoints.in_order() == ("http://b", "https://c", "http://a")
    endpoints.failed("http://elsewhere")
    assert endpoints.first() == "http://b"


@pytest.mark.parametrize("urls", [[], ["a:2379"], ["http://a", "unix:/x"]])
def test_what_is_no_endpoint(urls: list[str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Endpoints(urls)

"""Which member of etcd is asked next: the one that answered, until it does not."""

from collections.abc import Sequence


class Endpoints:
    """The addresses of etcd's members, the one to ask first in front.

    Args:
        urls: of the gateways, such as ``http://10.0.0.1:2379``; one at least.

    Raises:
        ValueError: there is none, or one is no HTTP URL.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        if not urls:
            raise ValueError("expected at least one endpoint, got none")
        for url in urls:
            if not url.startswith(("http://", "https://")):
                raise ValueError(f"expected an endpoint such as http://host:2379, got {url[:80]!r}")
        self._urls = [url.rstrip("/") for url in dict.fromkeys(urls)]

    def in_order(self) -> tuple[str, ...]:
        """Return all of them in the order to try."""
        return tuple(self._urls)

    def first(self) -> str:
        """Return the one to ask first."""
        return self._urls[0]

    def failed(self, url: str) -> None:
        """Ask this one last from now on."""
        if url in self._urls:
            self._urls.remove(url)
            self._urls.append(url)

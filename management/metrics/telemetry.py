"""Metrics of the scrapes themselves: how long they took, and how large they were."""

from typing import Final

from management.metrics.family import PLAIN, SUMMARY, Family, Group, Item, Number, itself
from management.metrics.text import CONTENT_TYPE, labels


class Telemetry:
    """The scrapes of a node since its start, by registry."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._seconds: dict[str, float] = {}
        self._bytes: dict[str, int] = {}

    def note(self, registry: str, duration_s: float, size_bytes: int) -> None:
        """Note a scrape that is over."""
        self._counts[registry] = self._counts.get(registry, 0) + 1
        self._seconds[registry] = self._seconds.get(registry, 0.0) + duration_s
        self._bytes[registry] = self._bytes.get(registry, 0) + size_bytes

    def groups(self) -> list[Group]:
        """Return these metrics, as they were before this scrape."""
        return [
            self._summary("duration_seconds", "Time of a scrape", self._seconds),
            self._summary("size_bytes", "Octets of a scrape", self._bytes),
        ]

    def _summary(self, name: str, text: str, sums: "dict[str, float] | dict[str, int]") -> Group:
        items: list[Item] = []
        for registry, total in sums.items():
            key = labels(registry=registry, content_type=CONTENT_TYPE)
            values: tuple[tuple[str, Number], ...] = (
                (COUNT, self._counts[registry]),
                (SUM, total),
            )
            items += [(suffix + key, value) for suffix, value in values]
        return Group((Family(f"telemetry_scrape_{name}", SUMMARY, text, itself),), items, PLAIN)


COUNT: Final = "_count"
SUM: Final = "_sum"

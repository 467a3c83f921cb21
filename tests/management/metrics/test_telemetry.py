"""Metrics of scrapes: a summary of times and one of sizes, by registry."""

from management.metrics.telemetry import Telemetry
from management.metrics.text import written
from tests.support.scrapes import parsed


def test_scrapes_are_summed_by_registry() -> None:
    telemetry = Telemetry()
    telemetry.note("default", 0.5, 100)
    telemetry.note("default", 0.25, 10)
    telemetry.note("detailed", 1.0, 1)
    scraped = parsed("".join([line for group in telemetry.groups() for line in written(group, "")]))
    assert scraped.value("telemetry_scrape_duration_seconds_sum", registry="default") == 0.75
    assert scraped.value("telemetry_scrape_size_bytes_sum", registry="default") == 110
    assert scraped.value("telemetry_scrape_size_bytes_count", registry="detailed") == 1
    assert set(scraped.types.values()) == {"summary"}

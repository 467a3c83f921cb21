"""Debian's Prometheus scrapes a node, and every query of RabbitMQ's dashboards has an answer."""

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.clients.support.deadlines import wait_until
from tests.clients.support.metrics_traffic import Traffic, scraped, text_of
from tests.clients.support.programs import Program
from tests.clients.support.server import HOST, Server, accepts
from tests.support.ports import free_port
from tests.support.scrapes import labels_of, name_of

PROMETHEUS: Final = shutil.which("prometheus")
PROMTOOL: Final = shutil.which("promtool")
DASHBOARDS: Final[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("dashboards.yaml").read_text(encoding="utf-8")
)
SHAPES: Final[dict[str, str]] = DASHBOARDS.pop("shapes")
ENDPOINTS: Final = (
    "/metrics",
    "/metrics/per-object",
    "/metrics/memory-breakdown",
    "/metrics/detailed?"
    + "&".join(
        [
            f"family={name}"
            for name in (
                "queue_coarse_metrics",
                "queue_metrics",
                "queue_delivery_metrics",
                "exchange_metrics",
                "exchange_bindings",
                "vhost_status",
                "connection_metrics",
                "channel_metrics",
                "channel_queue_metrics",
            )
        ]
    ),
)
CLUSTER: Final = "rabbit@dashboards"
SCRAPES_NEEDED: Final = 3
"""A rate needs two values."""

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(PROMETHEUS is None, reason="Debian's prometheus is not installed"),
]


class Asked:
    """A node with traffic behind it, and the Prometheus that scrapes it."""

    def __init__(self, folder: Path) -> None:
        self.metrics_port, self._port = free_port(), free_port()
        amqp_port = free_port()
        self.node = Server(
            folder / "node",
            amqp_port,
            f"net: {{listeners: [{{port: {amqp_port}}}]}}\n"
            "management: {listeners: [], metrics_listeners:"
            f" [{{port: {self.metrics_port}}}], cluster_name: {CLUSTER}}}\n",
            has_listeners=True,
        )
        config = folder / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs:\n"
            "  - job_name: node\n"
            f"    static_configs: [{{targets: ['{HOST}:{self.metrics_port}']}}]\n",
            encoding="utf-8",
        )
        assert PROMETHEUS is not None, "it is skipped without"
        self.prometheus = Program(
            [
                PROMETHEUS,
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={HOST}:{self._port}",
                "--log.level=warn",
            ]
        )

    def ask(self, query: str) -> list[Any]:
        """Return the result of an instant query; nothing while Prometheus does not answer."""
        words = urllib.parse.urlencode({"query": query})
        url = f"http://{HOST}:{self._port}/api/v1/query?{words}"
        if not accepts(self._port):
            return []
        with urllib.request.urlopen(url, timeout=30) as reply:
            result: list[Any] = json.load(reply)["data"]["result"]
        return result

    def has_scraped(self) -> bool:
        """Whether there are values enough for a rate."""
        count = self.ask("count_over_time(rabbitmq_identity_info[1m])")
        return bool(count) and int(count[0]["value"][1]) >= SCRAPES_NEEDED

    def stop(self) -> None:
        """End both."""
        self.prometheus.stop()
        self.node.stop()


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    both = Asked(tmp_path_factory.mktemp("prometheus"))
    try:
        both.node.wait_until_it_accepts()
        traffic = Traffic(both.node.port)
        traffic.run()
        wait_until(both.has_scraped, f"{SCRAPES_NEEDED} scrapes", 60)
        yield both
        traffic.leave()
    finally:
        both.stop()


def queries() -> Iterator[Any]:
    """Yield each query of the dashboards, named by its dashboard and metric."""
    for board, parts in DASHBOARDS.items():
        for shape, metrics in parts.items():
            for metric in metrics:
                # A difference is joined as a whole.
                whole = f"({metric})" if " " in metric else metric
                query = SHAPES[shape].format(metric=whole, cluster=CLUSTER)
                yield pytest.param(query, id=f"{board}-{metric}")


@pytest.mark.parametrize("query", list(queries()))
def test_every_query_of_the_dashboards_has_an_answer(asked: Asked, query: str) -> None:
    result = asked.ask(query)
    assert result, "no data"
    assert all(each["value"][1] != "NaN" for each in result)


def test_prometheus_finds_nothing_wrong_with_a_scrape(asked: Asked) -> None:
    assert asked.ask("up")[0]["value"][1] == "1"
    [shown] = asked.ask("scrape_samples_post_metric_relabeling")
    assert int(shown["value"][1]) == len(scraped(asked.metrics_port).samples)
    assert "duplicate" not in asked.prometheus.output


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_promtool_finds_nothing_wrong_with_an_endpoint(asked: Asked, endpoint: str) -> None:
    assert PROMTOOL is not None, "it comes with Prometheus"
    checked = subprocess.run(
        [PROMTOOL, "check", "metrics"],
        input=text_of(asked.metrics_port, endpoint),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_every_object_has_its_series(asked: Asked) -> None:
    shown = scraped(asked.metrics_port, "/metrics/per-object")
    keys = [key for key in shown.samples if name_of(key) == "rabbitmq_queue_messages"]
    assert {labels_of(key)["queue"] for key in keys} == {
        "a",
        "b",
        "c",
        "dying",
        "empty",
        "log",
        "safe",
    }
    assert len(shown.values("rabbitmq_connection_channels")) == 1

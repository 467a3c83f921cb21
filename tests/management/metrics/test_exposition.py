"""The text of an endpoint: its time, its names, and who the node is."""

import pytest

from amqp_server.broker.resources import ResourceView
from management.metrics import exposition
from management.metrics.exposition import started_s
from tests.support.management_api import Api
from tests.support.scrapes import ask, parsed, scrape


def test_a_scrape_that_takes_too_long_ends_without_its_end(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposition, "PIECE_CHARACTERS", 1)
    monkeypatch.setattr(exposition, "SCRAPE_MAX_MS", -1)
    with pytest.raises(TimeoutError):
        ask(api, "/metrics")


def test_a_name_that_is_no_text_is_shown_all_the_same(api: Api) -> None:
    api.node.open().declare('a"b\\c')
    api.broker.add_vhost("odd \udcff")
    text = ask(api, "/metrics/detailed?family=queue_coarse_metrics&family=vhost_status").body
    scraped = parsed(text.decode())
    assert scraped.value("rabbitmq_detailed_queue_messages", queue='a"b\\c') == 0
    assert scraped.value("rabbitmq_cluster_vhost_status", vhost="odd \ufffd") == 1


def test_a_cluster_keeps_the_name_that_it_was_given_for_ever(api: Api) -> None:
    def permanent_id() -> str:
        [key] = [each for each in scrape(api).samples if "identity_info" in each]
        return key.partition('permanent_id="')[2].partition('"')[0]

    own = permanent_id()
    assert own.startswith("rabbitmq-cluster-id-")
    api.put("cluster-name", {"name": "other"})
    assert permanent_id() == own
    api.broker.global_parameters["internal_cluster_id"] = "rabbitmq-cluster-id-x"
    assert permanent_id() == "rabbitmq-cluster-id-x"


def test_a_node_began_when_it_began_to_listen(api: Api) -> None:
    wall_s = api.management.node.views.node().wall_ms / 1_000
    assert started_s(api.management.node) == wall_s
    used = ResourceView(0, 0, None, 0, 0, 0, 0, 0, 7_500, ())
    api.broker.look_at_resources = lambda: used
    assert started_s(api.management.node) == wall_s - 7.5

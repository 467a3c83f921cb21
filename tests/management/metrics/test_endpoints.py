"""What the endpoints show, of queues, clients and exchanges, and that no counter falls."""

from pamqp import commands

from management.metrics.endpoints import DETAILED_FAMILIES
from tests.support.management_api import Api
from tests.support.scrapes import labels_of, scrape

EVERY_FAMILY = "/metrics/detailed?" + "&".join([f"family={name}" for name in DETAILED_FAMILIES])
GAUGES_OF_CLIENTS = {"rabbitmq_channel_consumers", "rabbitmq_channel_prefetch"}


def test_queues_are_summed_and_shown_each(api: Api) -> None:
    client = api.node.open()
    for name in ("a", "b"):
        client.declare(name)
        client.publish(b"1234", b"5678", routing_key=name)
    client.send(commands.Basic.Get, queue="a")
    together, each = scrape(api), scrape(api, "/metrics/per-object")
    assert together.value("rabbitmq_queue_messages") == 4
    assert together.value("rabbitmq_queue_messages_ready") == 3
    assert together.value("rabbitmq_queue_messages_unacked_bytes") == 4
    assert together.value("rabbitmq_queue_get_ack_total") == 1
    assert together.value("rabbitmq_queues") == 2
    assert each.value("rabbitmq_queue_messages_ready", vhost="/", queue="a") == 1
    assert each.value("rabbitmq_queue_messages_published_total", queue_vhost="/", queue="b") == 2
    assert each.value("rabbitmq_queue_info", queue="a") == 1
    assert each.value("rabbitmq_queue_consumer_capacity", queue="a") == 0
    assert each.value("rabbitmq_exchange_messages_published_total", vhost="/", exchange="") == 4


def test_clients_are_summed_and_shown_each(api: Api) -> None:
    first, second = api.node.open(), api.node.open()
    second.open_channel(2)
    first.declare()
    first.consume()
    second.send(commands.Basic.Qos, prefetch_count=7)
    second.send(commands.Tx.Select, 2)
    second.publish(b"1", channel=2)
    together, each = scrape(api), scrape(api, "/metrics/per-object")
    assert together.value("rabbitmq_channel_consumers") == 1
    assert together.value("rabbitmq_channel_messages_uncommitted") == 1
    assert together.value("rabbitmq_consumer_prefetch") == 7
    assert together.value("rabbitmq_connection_channels") == 3
    assert len(each.values("rabbitmq_channel_consumers")) == 3
    assert len(each.values("rabbitmq_connection_incoming_bytes_total")) == 2
    number = str(second.connection.session.broker.numbered.number_of(second.connection.session))
    assert each.value("rabbitmq_connection_channels", connection=number) == 2
    assert sum(each.values("rabbitmq_channel_messages_published_total", vhost="/")) == 0


def test_no_counter_falls_when_what_counted_is_gone(api: Api) -> None:
    client = api.node.open()
    client.send(commands.Exchange.Declare, exchange="all", exchange_type="fanout")
    client.send(commands.Confirm.Select)
    client.declare()
    client.send(commands.Queue.Bind, queue="jobs", exchange="all")
    client.publish(b"1", b"2", exchange="all")
    client.publish(b"3", routing_key="nowhere")
    client.consume(no_ack=True)
    api.node.end_turns()
    before = scrape(api)
    client.send(commands.Queue.Delete, queue="jobs")
    client.send(commands.Exchange.Delete, exchange="all")
    client.connection.receive_eof(api.node.now_ms)
    api.node.end_turns()
    after = scrape(api)
    counters = [
        key for key in before.samples if before.types.get(key.partition("{")[0]) == "counter"
    ]
    assert [key for key in counters if after.samples[key] < before.samples[key]] == []
    published = "rabbitmq_global_messages_received_confirm_total"
    assert after.value(published, protocol="amqp091") == 3
    assert after.value("rabbitmq_global_messages_routed_total", protocol="amqp091") == 2
    assert after.value("rabbitmq_global_publishers", protocol="amqp091") == 0
    assert after.value("rabbitmq_queue_messages_delivered_total") == 2
    assert after.value("rabbitmq_exchange_messages_published_total") == 3


def test_duplicates_are_counted_of_exchanges_and_of_queues(api: Api) -> None:
    client = api.node.open()
    client.declare("plain")
    client.declare("once", arguments={"x-message-deduplication": True})
    client.send(
        commands.Exchange.Declare,
        exchange="x",
        exchange_type="x-message-deduplication",
        arguments={"x-cache-size": 10},
    )
    for exchange, key in (("x", ""), ("", "once")):
        for body in (b"1", b"2", b"3"):
            headers = {"x-deduplication-header": "key"}
            client.publish(body, exchange=exchange, routing_key=key, headers=headers)
    client.send(commands.Queue.Bind, queue="plain", exchange="x")
    client.publish(b"4", exchange="x", headers={"x-deduplication-header": "other"})
    client.publish(b"5", exchange="x", headers={"x-deduplication-header": "other"})
    chosen = "/metrics/detailed?family=deduplication_metrics"
    for path, prefix in (("/metrics/per-object", "haremq"), (chosen, "haremq_detailed")):
        each = scrape(api, path)
        assert each.values(f"{prefix}_exchange_duplicates_total") == [1]
        assert each.value(f"{prefix}_exchange_duplicates_total", vhost="/", exchange="x") == 1
        assert each.values(f"{prefix}_queue_duplicates_total") == [2]
        assert each.value(f"{prefix}_queue_duplicates_total", vhost="/", queue="once") == 2
    for _ in range(2):
        together = scrape(api)
        assert together.value("haremq_exchange_duplicates_total") == 1
        assert together.value("haremq_queue_duplicates_total") == 2
        client.send(commands.Exchange.Delete, exchange="x")
        client.send(commands.Queue.Delete, queue="once")
        api.node.end_turns()
    assert scrape(api, "/metrics/per-object").values("haremq_exchange_duplicates_total") == []


def test_dead_letters_are_counted_by_strategy_and_kind(api: Api) -> None:
    client = api.node.open()
    client.declare("gone", arguments={"x-max-length": 1})
    client.declare("moved", arguments={"x-max-length": 1, "x-dead-letter-exchange": ""})
    for name in ("gone", "moved"):
        client.publish(b"1", b"2", b"3", routing_key=name)
    scraped, name = scrape(api), "rabbitmq_global_messages_dead_lettered_maxlen_total"
    classic = "rabbit_classic_queue"
    for strategy, count in (("disabled", 2), ("at_most_once", 2)):
        found = scraped.value(name, queue_type=classic, dead_letter_strategy=strategy)
        assert found == count
    assert sum(scraped.values(name, queue_type="rabbit_quorum_queue")) == 0


def test_detailed_shows_what_was_chosen_and_nothing_else(api: Api) -> None:
    assert set(scrape(api, "/metrics/detailed").types) == {
        "rabbitmq_build_info",
        "rabbitmq_identity_info",
        "telemetry_scrape_duration_seconds",
        "telemetry_scrape_size_bytes",
    }
    api.broker.add_vhost("other")
    client = api.node.open()
    for name in ("in-a", "in-b", "out"):
        client.declare(name)

    def shown(query: str) -> set[str]:
        scraped = scrape(api, f"/metrics/detailed?family=queue_consumer_count&{query}")
        assert "rabbitmq_detailed_queue_consumers" in scraped.types
        keys = [key for key in scraped.samples if "queue_consumers{" in key]
        return {labels_of(key)["queue"] for key in keys}

    assert shown("") == {"in-a", "in-b", "out"}
    assert shown("queue=^in") == {"in-a", "in-b"}
    assert shown("vhost=%2F&vhost=other&queue=b$") == {"in-b"}
    assert shown("vhost=other") == shown("vhost=nope") == set()


def test_every_family_may_be_chosen_with_every_other(api: Api) -> None:
    client = api.node.open()
    client.declare("log", durable=True, arguments={"x-queue-type": "stream"})
    client.send(commands.Basic.Qos, prefetch_count=7)
    client.consume("log")
    scraped = scrape(api, EVERY_FAMILY)
    # The default binding is not one that a client made.
    assert scraped.value("rabbitmq_cluster_exchange_bindings", exchange="", type="direct") == 0
    assert scraped.value("rabbitmq_cluster_exchange_name", exchange="amq.topic", type="topic") == 1
    assert scraped.value("rabbitmq_detailed_stream_consumer_max_offset_lag", queue="log") == 0
    assert scraped.value("rabbitmq_detailed_queues_created_total") == 1
    assert not [name for name in scraped.types if name.startswith("rabbitmq_global")]


def test_memory_is_in_queues_or_elsewhere(api: Api) -> None:
    client = api.node.open()
    client.declare()
    client.publish(b"x" * 10_000)
    scraped = scrape(api, "/metrics/memory-breakdown")
    assert scraped.value("rabbitmq_memory_classic_queue_erlang_process_bytes") == 0, "not measured"
    assert scraped.value("rabbitmq_memory_other_system_bytes") == 0

"""Metrics of the node: what it has of the machine, its alarms, and who it is."""

from amqp_server.broker.views import LagView, ResourceView
from management.identity import Identity
from management.metrics import node
from management.metrics.family import PLAIN, RABBITMQ
from management.metrics.text import written
from tests.support.desk import Desk
from tests.support.scrapes import Scraped, parsed

IDENTITY = Identity("rabbit@h", "c", "3.13.7", "HareMQ", "1.2")
USED = ResourceView(10, 20, None, 30, 40, 50, 60, 70, 1_500, ())


def shown(desk: Desk) -> Scraped:
    view = desk.views.node()
    families = (*node.COARSE, *node.METRICS, *node.PERSISTER, *node.CHURN, *node.ALARMS)
    return parsed("".join(written(node.node_group(families, view), RABBITMQ)))


def test_what_nobody_measures_is_not_shown() -> None:
    desk = Desk()
    assert shown(desk).values("rabbitmq_process_resident_memory_bytes") == []
    desk.node.broker.look_at_resources = lambda: USED
    scraped = shown(desk)
    assert scraped.value("rabbitmq_process_resident_memory_bytes") == 10
    assert scraped.value("rabbitmq_erlang_uptime_seconds") == 1.5
    assert scraped.values("rabbitmq_disk_space_available_bytes") == []
    assert scraped.value("rabbitmq_io_sync_ops_total") == 0


def test_what_comes_and_goes_is_counted() -> None:
    desk = Desk()
    desk.node.open().declare()
    scraped = shown(desk)
    assert scraped.value("rabbitmq_connections_opened_total") == 1
    assert scraped.value("rabbitmq_queues_created_total") == 1
    assert scraped.value("rabbitmq_queues_deleted_total") == 0


def test_an_alarm_is_one() -> None:
    view = Desk().views.node()._replace(alarm="low on memory")
    scraped = parsed("".join(written(node.node_group(node.ALARMS, view), RABBITMQ)))
    assert scraped.value("rabbitmq_alarms_memory_used_watermark") == 1
    assert scraped.value("rabbitmq_alarms_free_disk_space_watermark") == 0


def test_logins_are_shown_by_protocol() -> None:
    desk = Desk()
    desk.node.open()
    attempts = desk.views.logins_by_protocol()
    scraped = parsed("".join(written(node.auth_group(attempts), RABBITMQ)))
    assert scraped.value("rabbitmq_auth_attempts_total", protocol="amqp091") == 1
    assert scraped.value("rabbitmq_auth_attempts_failed_total", protocol="stream") == 0


def test_the_node_says_who_it_is() -> None:
    groups = node.identity_groups(IDENTITY, "c", "id", "detailed")
    scraped = parsed("".join([line for each in groups for line in written(each, "other_")]))
    labels = {"rabbitmq_node": "rabbit@h", "rabbitmq_cluster": "c", "rabbitmq_endpoint": "detailed"}
    assert scraped.value("rabbitmq_identity_info", **labels) == 1
    assert scraped.value("rabbitmq_build_info", rabbitmq_version="3.13.7") == 1


def test_a_cluster_has_a_name_for_ever() -> None:
    own = node.permanent_id(IDENTITY, None)
    assert own == node.permanent_id(IDENTITY, 7) != node.permanent_id(IDENTITY, "given") == "given"


def test_the_process_is_shown_as_python_shows_it() -> None:
    groups = node.runtime_groups(12.5)
    scraped = parsed("".join([line for each in groups for line in written(each, PLAIN)]))
    assert scraped.value("process_start_time_seconds") == 12.5
    assert len(scraped.values("python_gc_collections_total")) == 3


def test_how_late_the_loop_was_is_a_histogram() -> None:
    assert node.lag_groups(None) == []
    groups = node.lag_groups(LagView(100, 1, (1_000, 10_000), (7, 2, 1), 1_250_000, 900_000))
    scraped = parsed("".join([line for each in groups for line in written(each, RABBITMQ)]))
    name = "haremq_loop_lag_seconds"
    told = [scraped.value(f"{name}_bucket", le=limit) for limit in ("0.001", "0.01", "+Inf")]
    assert (told, scraped.types[name]) == ([7, 9, 10], "histogram")
    assert (scraped.value(f"{name}_count"), scraped.value(f"{name}_sum")) == (10, 1.25)

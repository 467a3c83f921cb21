"""Metrics of queues: of one, or of all that there are and were."""

from amqp_server.broker.views import QueueCounts, QueueNumbers
from management.metrics import queues
from management.metrics.family import RABBITMQ, Group
from management.metrics.text import written
from tests.support.scrapes import Scraped, parsed

COUNTS = QueueCounts(ready_count=2, unacked_count=3, ready_bytes=20, unacked_bytes=30, acked=7)


def shown(group: Group) -> Scraped:
    return parsed("".join(written(group, RABBITMQ)))


def test_a_queue_is_shown_with_its_vhost_and_name() -> None:
    item = queues.item_of("v", QueueNumbers("q", "quorum", may_deliver=True, counts=COUNTS))
    scraped = shown(Group((*queues.COARSE, *queues.METRICS, *queues.DELIVERY), [item]))
    assert scraped.value("rabbitmq_queue_messages", vhost="v", queue="q") == 5
    assert scraped.value("rabbitmq_queue_messages_bytes", vhost="v", queue="q") == 50
    assert scraped.value("rabbitmq_queue_consumer_capacity", vhost="v", queue="q") == 1
    assert scraped.value("rabbitmq_queue_messages_acked_total", vhost="v", queue="q") == 7


def test_all_queues_together_have_no_capacity() -> None:
    item = queues.item_of("", QueueNumbers("", "", may_deliver=None, counts=COUNTS))
    assert shown(Group(queues.METRICS, [item])).values("rabbitmq_queue_consumer_capacity") == []


def test_some_families_have_labels_of_their_own() -> None:
    item = queues.item_of("v", QueueNumbers("q", "toy", may_deliver=True, counts=COUNTS))
    assert queues.info_key(item) == '{vhost="v",queue="q",queue_type="toy",membership="leader"}'
    assert queues.published_key(item) == '{queue_vhost="v",queue="q"}'

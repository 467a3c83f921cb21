"""A broker that lives: a shop, its telemetry and its dead letters, for the pictures of the pages.

Publishers and consumers run in threads of their own until the block ends. One queue is not
consumed, one consumer holds what it gets, and one rejects, so that something needs a hand.
"""

import gzip
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pika
from pika.exchange_type import ExchangeType

from tests.clients.support.server import Server
from tests.web.broker_rig import Channel, define, post

Work = Callable[[Channel, threading.Event], None]
"""What one client does on its channel, until it is told that all is done."""

TENANTS: Final = ("kestrel", "brae", "fennel", "alder", "nordlys", "moss", "thistle", "juniper")
COUNTRIES: Final = ("se", "no", "fi", "dk", "uk")
BATCH: Final = 20
PAUSE_S: Final = 0.1

QUEUES: Final[dict[str, dict[str, object]]] = {
    "orders.created": {"x-dead-letter-exchange": "dead", "x-message-ttl": 86_400_000},
    "orders.paid": {"x-queue-type": "quorum", "x-dead-letter-exchange": "dead"},
    "orders.refund": {"x-dead-letter-exchange": "dead", "x-max-length": 50_000},
    "orders.dlq": {},
    "invoice.render": {"x-dead-letter-exchange": "dead", "x-max-priority": 5},
    "invoice.mail": {},
    "stock.sync.eu-north": {"x-queue-mode": "lazy"},
    "stock.sync.eu-west": {"x-single-active-consumer": True},
    "geo.enrich": {},
    "webhook.out": {"x-dead-letter-exchange": "dead", "x-message-ttl": 400},
    "audit.trail": {"x-queue-type": "quorum"},
    "search.index": {},
}
"""Queues of the shop, and what each was declared with."""

STREAM: Final = {
    "x-queue-type": "stream",
    "x-max-age": "7D",
    "x-stream-max-segment-size-bytes": 500_000,
}

PARTITIONS: Final = ("visits-0", "visits-1", "visits-2", "visits-3")
"""Of the super stream ``visits``."""

BINDINGS: Final = (
    ("orders", "order.created.#", "orders.created"),
    ("orders", "order.paid.#", "orders.paid"),
    ("orders", "order.refund.*", "orders.refund"),
    ("orders", "order.#", "audit.trail"),
    ("orders", "order.created.uk", "geo.enrich"),
    ("invoices", "invoice.created.*", "invoice.render"),
    ("invoices", "invoice.#", "invoice.mail"),
    ("events", "", "search.index"),
    ("events", "", "webhook.out"),
    ("dead", "", "orders.dlq"),
    ("stock", "eu-north", "stock.sync.eu-north"),
    ("stock", "eu-west", "stock.sync.eu-west"),
)

DEFINITIONS: Final[dict[str, object]] = {
    "vhosts": [
        {"name": "shop", "description": "The web shop", "tags": ["production"]},
        {"name": "telemetry", "description": "Sensors of all stores"},
        {"name": "billing", "description": "Ledger and statements"},
    ],
    "users": [
        {"name": name, "password": name, "tags": tags}
        for name, tags in (
            ("mira.koski", ["administrator"]),
            ("otto.vik", ["monitoring"]),
            ("checkout", []),
            ("render", []),
            ("warehouse", ["management"]),
        )
    ],
    "permissions": [
        {"user": user, "vhost": vhost, "configure": configure, "write": ".*", "read": ".*"}
        for user, vhost, configure in (
            ("guest", "shop", ".*"),
            ("guest", "telemetry", ".*"),
            ("guest", "billing", ".*"),
            ("mira.koski", "shop", ".*"),
            ("otto.vik", "shop", "^$"),
            ("checkout", "shop", "^orders"),
            ("render", "shop", "^$"),
            ("warehouse", "telemetry", ".*"),
        )
    ],
    "policies": [
        {"vhost": "shop", "name": name, "pattern": pattern, "apply-to": "queues",
         "priority": priority, "definition": held}
        for name, pattern, priority, held in (
            ("keep-1d", r"^orders\.", 5, {"message-ttl": 86_400_000, "max-length": 1_000_000}),
            ("short-webhooks", r"^webhook\.", 10, {"max-length": 20_000}),
            ("lazy-stock", r"^stock\.", 1, {"queue-mode": "lazy"}),
        )
    ] + [
        {"vhost": "shop", "name": "orders-of-stores", "pattern": "^orders$",
         "apply-to": "exchanges", "priority": 0, "definition": {"federation-upstream-set": "all"}},
    ],
    "parameters": [
        {"vhost": "shop", "component": component, "name": name, "value": value}
        for component, name, value in (
            ("federation-upstream", "store-uppsala", {"uri": "amqp:///billing", "max-hops": 2}),
            ("federation-upstream", "store-lund", {"uri": "amqp://store:lund@127.0.0.1:9"}),
            ("shovel", "ledger-of-invoices", {
                "src-protocol": "amqp091", "src-uri": "amqp:///shop", "src-exchange": "invoices",
                "src-exchange-key": "invoice.#", "dest-protocol": "amqp091",
                "dest-uri": "amqp:///billing", "dest-queue": "ledger",
            }),
        )
    ],
}  # fmt: skip


@contextmanager
def living(server: Server) -> Iterator[None]:
    """Fill a broker, and keep it busy for a block."""
    define(server, DEFINITIONS)
    done = threading.Event()
    build_shop(opened(server, "shop", "deploy").channel())
    build_telemetry(opened(server, "telemetry", "deploy").channel())
    workers = [worker(server, done, vhost, name, work) for vhost, name, work in clients()]
    try:
        yield
    finally:
        done.set()
        for thread in workers:
            thread.join()


def redrive(server: Server) -> None:
    """Send some dead letters back, so that there is a job to look at."""
    post(server, "queues/shop/orders.dlq/move", {"dest": "origin", "count": 40})


def clients() -> list[tuple[str, str, Work]]:
    """Return who is at work: a vhost, a name, and what it does."""
    return [
        ("shop", "checkout-1", publish_orders),
        ("shop", "checkout-2", publish_orders),
        *(("shop", f"orders-worker-{n}", consume("orders.created")) for n in (1, 2, 3)),
        ("shop", "payments-1", consume("orders.paid")),
        ("shop", "render-1", consume("invoice.render", holds=True)),
        ("shop", "mailer-1", consume("invoice.mail")),
        ("shop", "refund-desk", consume("orders.refund", rejects=True)),
        ("shop", "auditor", consume("audit.trail")),
        ("shop", "stock-eu-west", consume("stock.sync.eu-west")),
        ("shop", "indexer-1", consume("search.index")),
        ("shop", "web-front", publish_visits),
        ("shop", "session-counter", read_visits("sessions", PARTITIONS[:3])),
        ("shop", "heat-map", read_visits("heat map", PARTITIONS, holds=True)),
        ("telemetry", "gateway-7", publish_readings),
        ("telemetry", "dashboards", read_stream),
        ("telemetry", "alerting", read_stream),
    ]


def opened(server: Server, vhost: str, name: str) -> pika.BlockingConnection:
    """Connect as a client that says who it is."""
    parameters = pika.URLParameters(server.uri.replace("%2F", vhost))
    parameters.client_properties = {"connection_name": name}
    return pika.BlockingConnection(parameters)


def build_shop(shop: Channel) -> None:
    """Declare what the shop has."""
    for name, kind in (
        ("orders", ExchangeType("topic")),
        ("invoices", ExchangeType("topic")),
        ("events", ExchangeType("fanout")),
        ("stock", ExchangeType("direct")),
        ("dead", ExchangeType("fanout")),
    ):
        shop.exchange_declare(name, kind, durable=True)
    shop.exchange_bind("events", "orders", "order.#")
    for name, arguments in QUEUES.items():
        shop.queue_declare(name, durable=True, arguments=arguments)
    for exchange, key, queue in BINDINGS:
        shop.queue_bind(queue, exchange, key)
    shop.exchange_declare(
        "visits", ExchangeType("direct"), durable=True, arguments={"x-super-stream": True}
    )
    for order, partition in enumerate(PARTITIONS):
        shop.queue_declare(partition, durable=True, arguments=STREAM)
        place = {"x-stream-partition-order": order}
        shop.queue_bind(partition, "visits", str(order), arguments=place)


def build_telemetry(telemetry: Channel) -> None:
    """Declare two streams of what sensors read."""
    telemetry.exchange_declare("sensors", ExchangeType("topic"), durable=True)
    for name in ("sensor.readings", "door.events"):
        keeps = {
            "x-queue-type": "stream",
            "x-max-age": "7D",
            "x-stream-max-segment-size-bytes": 100_000,
        }
        telemetry.queue_declare(name, durable=True, arguments=keeps)
    telemetry.queue_bind("sensor.readings", "sensors", "sensor.#")
    telemetry.queue_bind("door.events", "sensors", "sensor.door-12")


def worker(
    server: Server, done: threading.Event, vhost: str, name: str, work: Work
) -> threading.Thread:
    """Run one client in a thread, until it is told that all is done."""

    def run() -> None:
        connection = opened(server, vhost, name)
        work(connection.channel(), done)
        connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def properties(kind: str) -> pika.BasicProperties:
    """Return properties as programs of a shop set them."""
    return pika.BasicProperties(
        content_type="application/json", delivery_mode=2, message_id=f"{random.getrandbits(48):x}",
        timestamp=int(time.time()), app_id="checkout", type=kind,
        headers={"x-tenant": random.choice(TENANTS), "x-trace": f"{random.getrandbits(64):016x}"},
    )  # fmt: skip


def publish_orders(channel: Channel, done: threading.Event) -> None:
    """Publish orders, invoices and stock, a batch at a time."""
    while not done.is_set():
        for _ in range(BATCH):
            step = random.choices(("created", "paid", "refund"), (6, 3, 1))[0]
            key = f"order.{step}.{random.choice(COUNTRIES)}"
            channel.basic_publish("orders", key, order(is_paid=step == "paid"), properties(step))
        packed = properties("invoice")
        packed.content_encoding = "gzip"
        key = f"invoice.created.{random.choice(COUNTRIES)}"
        channel.basic_publish("invoices", key, gzip.compress(invoice()), packed)
        key = random.choice(("eu-north", "eu-west"))
        channel.basic_publish("stock", key, order(is_paid=True), properties("stock"))
        channel.basic_publish("orders", "unknown.key", b"{}", properties("lost"))
        channel.connection.sleep(PAUSE_S)


def order(*, is_paid: bool) -> bytes:
    """Return an order as JSON."""
    lines = [{"sku": "BRG-204", "qty": random.randint(1, 40)}]
    total = round(random.uniform(40, 4000), 2)
    number = f"ord_{random.getrandbits(24):06x}"
    return json.dumps(
        {"id": number, "total": total, "currency": "SEK", "paid": is_paid, "lines": lines}
    ).encode()


def invoice() -> bytes:
    """Return an invoice as JSON."""
    lines = [{"sku": "SEAL-7", "qty": number} for number in range(9)]
    total = round(random.uniform(500, 5000), 2)
    number = f"inv_{random.getrandbits(24):06x}"
    tenant = random.choice(TENANTS)
    return json.dumps({"id": number, "tenant": tenant, "total": total, "lines": lines}).encode()


def publish_readings(channel: Channel, done: threading.Event) -> None:
    """Publish what sensors read."""
    while not done.is_set():
        for _ in range(BATCH):
            device = random.choice(("th-118", "th-204", "pwr-9", "co2-77", "door-12"))
            celsius = round(random.gauss(20, 2), 1)
            reading = {"device": device, "celsius": celsius, "seq": random.getrandbits(17)}
            body = json.dumps(reading).encode()
            channel.basic_publish("sensors", f"sensor.{device}", body, properties("reading"))
        channel.connection.sleep(PAUSE_S)


def consume(queue: str, *, holds: bool = False, rejects: bool = False) -> Work:
    """Return a consumer of a queue; it may keep what it gets, or reject it."""

    def work(channel: Channel, done: threading.Event) -> None:
        def take(_: object, method: pika.spec.Basic.Deliver, *__: object) -> None:
            if rejects:
                channel.basic_reject(method.delivery_tag or 0, requeue=False)
            elif not holds:
                channel.basic_ack(method.delivery_tag or 0)

        channel.basic_qos(prefetch_count=200)
        channel.basic_consume(queue, take)
        while not done.is_set():
            channel.connection.sleep(PAUSE_S)

    return work


def read_stream(channel: Channel, done: threading.Event) -> None:
    """Read a stream from its next message on."""
    channel.basic_qos(prefetch_count=500)
    channel.basic_consume(
        "sensor.readings",
        lambda _, method, *__: channel.basic_ack(method.delivery_tag or 0),
        arguments={"x-stream-offset": "next"},
    )
    while not done.is_set():
        channel.connection.sleep(PAUSE_S)


def publish_visits(channel: Channel, done: threading.Event) -> None:
    """Publish who looks at what, by the number of the partition."""
    while not done.is_set():
        for key in random.choices(range(len(PARTITIONS)), (4, 3, 3, 2), k=BATCH):
            body = json.dumps({"path": "/p/BRG-204", "visitor": random.getrandbits(20)}).encode()
            channel.basic_publish("visits", str(key), body, properties("visit"))
        channel.connection.sleep(PAUSE_S)


def read_visits(group: str, partitions: tuple[str, ...], *, holds: bool = False) -> Work:
    """Return a reader of partitions for a group; it may keep what it gets first."""
    arguments = {
        "x-stream-offset": "first",
        "x-stream-group": group,
        "x-stream-automatic-offset-tracking": True,
    }

    def work(channel: Channel, done: threading.Event) -> None:
        def take(_: object, method: pika.spec.Basic.Deliver, *__: object) -> None:
            if not holds:
                channel.basic_ack(method.delivery_tag or 0)

        channel.basic_qos(prefetch_count=50)
        for partition in partitions:
            channel.basic_consume(partition, take, arguments=arguments)
        while not done.is_set():
            channel.connection.sleep(PAUSE_S)

    return work

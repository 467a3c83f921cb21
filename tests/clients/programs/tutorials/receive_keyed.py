"""Routing and topics: listen to the given binding keys of an exchange of the given type."""

import os
import sys

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exchange_type import ExchangeType
from pika.spec import Basic, BasicProperties

EXCHANGE = os.environ["KEYED_EXCHANGE"]


def on_log(_: BlockingChannel, method: Basic.Deliver, __: BasicProperties, body: bytes) -> None:
    print(f"heard {method.routing_key}={body.decode()}")


connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.exchange_declare(exchange=EXCHANGE, exchange_type=ExchangeType[sys.argv[1]])
queue = channel.queue_declare(queue="", exclusive=True).method.queue or ""
for binding_key in sys.argv[2:]:
    channel.queue_bind(exchange=EXCHANGE, queue=queue, routing_key=binding_key)
channel.basic_consume(queue=queue, on_message_callback=on_log, auto_ack=True)
print("waiting for logs")
channel.start_consuming()

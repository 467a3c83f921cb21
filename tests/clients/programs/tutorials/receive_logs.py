"""Publish/subscribe: listen with a queue of one's own."""

import os

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exchange_type import ExchangeType
from pika.spec import Basic, BasicProperties

EXCHANGE = os.environ["LOGS_EXCHANGE"]


def on_log(_: BlockingChannel, __: Basic.Deliver, ___: BasicProperties, body: bytes) -> None:
    print(f"heard {body.decode()}")


connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.exchange_declare(exchange=EXCHANGE, exchange_type=ExchangeType("fanout"))
queue = channel.queue_declare(queue="", exclusive=True).method.queue or ""
channel.queue_bind(exchange=EXCHANGE, queue=queue)
channel.basic_consume(queue=queue, on_message_callback=on_log, auto_ack=True)
print("waiting for logs")
channel.start_consuming()

"""RPC: answer each number with its place in Fibonacci's row."""

import os

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

QUEUE = os.environ["RPC_QUEUE"]


def fibonacci(number: int) -> int:
    current, following = 0, 1
    for _ in range(number):
        current, following = following, current + following
    return current


def on_request(
    channel: BlockingChannel, method: Basic.Deliver, properties: BasicProperties, body: bytes
) -> None:
    channel.basic_publish(
        exchange="",
        routing_key=properties.reply_to or "",
        body=str(fibonacci(int(body))),
        properties=BasicProperties(correlation_id=properties.correlation_id),
    )
    channel.basic_ack(delivery_tag=method.delivery_tag or 0)


connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.queue_declare(queue=QUEUE)
channel.basic_qos(prefetch_count=1)
channel.basic_consume(queue=QUEUE, on_message_callback=on_request)
print("waiting for requests")
channel.start_consuming()

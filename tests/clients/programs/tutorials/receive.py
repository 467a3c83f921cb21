"""Hello world: print what arrives in the queue, until Ctrl-C."""

import os

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

QUEUE = os.environ["HELLO_QUEUE"]


def on_message(_: BlockingChannel, __: Basic.Deliver, ___: BasicProperties, body: bytes) -> None:
    print(f"received {body.decode()}")


connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.queue_declare(queue=QUEUE)
channel.basic_consume(queue=QUEUE, on_message_callback=on_message, auto_ack=True)
print("waiting for messages")
try:
    channel.start_consuming()
except KeyboardInterrupt:
    connection.close()
    print("closed")

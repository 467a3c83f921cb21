"""Work queues: take one task at a time and ack it when it is done.

A task named "stuck" is never done: it waits to see its worker die.
"""

import os

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

QUEUE = os.environ["TASK_QUEUE"]


def on_task(
    channel: BlockingChannel, method: Basic.Deliver, _: BasicProperties, body: bytes
) -> None:
    task = body.decode()
    print(f"started {task} redelivered={method.redelivered}")
    if task == "stuck" and not method.redelivered:
        return
    channel.basic_ack(delivery_tag=method.delivery_tag or 0)
    print(f"done {task}")


connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.queue_declare(queue=QUEUE, durable=True)
channel.basic_qos(prefetch_count=1)
channel.basic_consume(queue=QUEUE, on_message_callback=on_task)
print("waiting for tasks")
channel.start_consuming()

"""Work queues: hand out tasks that survive a restart of the broker."""

import os
import sys

import pika
from pika.spec import BasicProperties

QUEUE = os.environ["TASK_QUEUE"]

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.queue_declare(queue=QUEUE, durable=True)
for task in sys.argv[1:]:
    channel.basic_publish(
        exchange="",
        routing_key=QUEUE,
        body=task,
        properties=BasicProperties(delivery_mode=pika.spec.PERSISTENT_DELIVERY_MODE),
    )
    print(f"sent {task}")
connection.close()

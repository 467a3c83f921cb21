"""Hello world: put one message into a queue."""

import os

import pika

QUEUE = os.environ["HELLO_QUEUE"]

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.queue_declare(queue=QUEUE)
channel.basic_publish(exchange="", routing_key=QUEUE, body=b"Hello World!")
print("sent Hello World!")
connection.close()

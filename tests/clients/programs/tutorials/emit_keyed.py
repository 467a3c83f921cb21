"""Routing and topics: publish `key=message` words to an exchange of the given type."""

import os
import sys

import pika
from pika.exchange_type import ExchangeType

EXCHANGE = os.environ["KEYED_EXCHANGE"]

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.exchange_declare(exchange=EXCHANGE, exchange_type=ExchangeType[sys.argv[1]])
for word in sys.argv[2:]:
    key, _, message = word.partition("=")
    channel.basic_publish(exchange=EXCHANGE, routing_key=key, body=message)
connection.close()

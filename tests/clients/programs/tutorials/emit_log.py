"""Publish/subscribe: tell everyone who listens."""

import os
import sys

import pika
from pika.exchange_type import ExchangeType

EXCHANGE = os.environ["LOGS_EXCHANGE"]

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.exchange_declare(exchange=EXCHANGE, exchange_type=ExchangeType("fanout"))
channel.basic_publish(exchange=EXCHANGE, routing_key="", body=" ".join(sys.argv[1:]))
connection.close()

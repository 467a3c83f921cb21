"""RPC: ask for Fibonacci numbers over a callback queue of one's own."""

import os
import sys
import uuid

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

QUEUE = os.environ["RPC_QUEUE"]


class FibonacciClient:
    """One call at a time; what answers another call is ignored."""

    def __init__(self) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
        self._channel = self._connection.channel()
        self._answers: list[int] = []
        self._correlation_id = ""
        self._callback_queue = self._channel.queue_declare("", exclusive=True).method.queue
        self._channel.basic_consume(self._callback_queue, self._on_answer, auto_ack=True)

    def _on_answer(
        self, _: BlockingChannel, __: Basic.Deliver, properties: BasicProperties, body: bytes
    ) -> None:
        if properties.correlation_id == self._correlation_id:
            self._answers.append(int(body))

    def call(self, number: int) -> int:
        """Return the answer to ``number``, however long it takes."""
        self._answers.clear()
        self._correlation_id = str(uuid.uuid4())
        self._channel.basic_publish(
            exchange="",
            routing_key=QUEUE,
            body=str(number),
            properties=BasicProperties(
                reply_to=self._callback_queue, correlation_id=self._correlation_id
            ),
        )
        while not self._answers:
            self._connection.process_data_events(time_limit=1)
        return self._answers[0]

    def close(self) -> None:
        """Close the connection, and the callback queue with it."""
        self._connection.close()


client = FibonacciClient()
for argument in sys.argv[1:]:
    print(f"fibonacci({argument}) = {client.call(int(argument))}")
client.close()

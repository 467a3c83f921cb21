"""AMQP bytes to values and back; knows no broker."""

"""Decodes and encodes the bytes of AMQP; knows no broker."""

"""Compares HareMQ and RabbitMQ by what a user would measure, in one run on one machine."""

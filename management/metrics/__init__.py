"""The numbers of a node for Prometheus, under RabbitMQ's names."""

"""RabbitMQ's stream protocol (port 5552), sans-IO: one connection per client."""

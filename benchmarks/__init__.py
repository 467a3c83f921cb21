"""HareMQ and RabbitMQ side by side: what a user would measure, in one run on one machine."""

"""What moves messages between brokers: a client of AMQP 0-9-1, and a worker for each shovel."""

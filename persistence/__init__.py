"""A log of records; knows no AMQP."""

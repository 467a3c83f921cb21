"""Views as JSON objects, with the names and types that RabbitMQ gives them."""

"""Black-box conformance rules: run against HareMQ or RabbitMQ over TCP."""

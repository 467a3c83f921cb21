"""What takes messages from upstream brokers: a worker for each link."""

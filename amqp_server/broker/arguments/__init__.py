"""The arguments of queues, exchanges and consumers: what they may be, and what they mean."""

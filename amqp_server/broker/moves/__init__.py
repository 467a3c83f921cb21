"""What the broker itself moves from queue to queue: dead letters, and how they are settled."""

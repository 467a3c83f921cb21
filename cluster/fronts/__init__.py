"""A mirrored queue in two halves: one where its clients are, one on the node that leads it."""

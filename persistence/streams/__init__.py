"""The logs of streams on disk: chunks, segments, indexes, and what a restart finds."""

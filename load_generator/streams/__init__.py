"""A load over the stream protocol: connections, publishing and reading workers."""

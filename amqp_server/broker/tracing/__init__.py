"""The firehose: copies of what clients publish and get, for people who look for a fault."""

"""A copy of a part of the metadata store that follows it, and tells what changes."""

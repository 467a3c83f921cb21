"""Long work that a user began over management, and that goes on while nobody waits for it."""

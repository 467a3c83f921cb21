"""HTTP API, web UI and their views. Empty until the management issue; the floor is kept."""

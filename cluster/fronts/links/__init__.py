"""Links that carry the frames of front halves and leader halves between two nodes."""

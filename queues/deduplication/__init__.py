"""Which messages were seen before, by a key that their publisher gives them."""

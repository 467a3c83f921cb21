"""What the connections of all protocols share: none of it knows methods or frames."""

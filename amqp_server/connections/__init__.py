"""Parts that the connections of all protocols share; they know no methods and no frames."""

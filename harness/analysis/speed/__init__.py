"""Whether one cell is faster than another, by the rounds that they share."""

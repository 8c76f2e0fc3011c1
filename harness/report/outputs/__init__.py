"""A document laid out for a terminal and as Markdown."""

"""A results folder: where each file lies, and how it is written and read."""

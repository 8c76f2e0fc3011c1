"""The types of every JSON file that the harness writes."""

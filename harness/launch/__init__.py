"""Runs a trial in its environment."""

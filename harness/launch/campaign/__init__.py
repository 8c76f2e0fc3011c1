"""Runs the rounds of a plan, one trial at a time, until its stop rule holds."""

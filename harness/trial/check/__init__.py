"""The task of ``harness check``: a scenario is tried for a few steps, and nothing is timed."""

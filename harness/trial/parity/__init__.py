"""The half of ``harness parity`` that lives inside a backend's environment."""

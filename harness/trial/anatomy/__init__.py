"""The half of ``harness anatomy`` that lives inside a backend's environment."""

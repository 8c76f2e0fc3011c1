"""The half of a trial that lives inside a backend's environment."""

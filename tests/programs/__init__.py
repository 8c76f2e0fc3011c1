"""Scripts as a user would bring them, run unchanged. Each is rebuilt from a public report."""

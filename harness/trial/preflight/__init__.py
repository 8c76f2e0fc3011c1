"""The child of the pre-flight; nothing is trained there."""

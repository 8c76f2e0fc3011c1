"""What the machine is, and how quiet it is."""

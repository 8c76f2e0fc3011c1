"""Row indices that are published with the harness. No rating, title or user is among them."""

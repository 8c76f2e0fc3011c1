"""Two folders of records: what changed between them, and by how much."""

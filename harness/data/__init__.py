"""The rating table: sources, verification, split, synthetic generator."""

"""How step time and quality change along a setting."""

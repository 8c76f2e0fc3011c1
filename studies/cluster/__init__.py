"""What a cluster costs: the time between two trials of a slot, and how well slots are used."""

"""Whether backends train the same model: envelopes, stages, and the verdict."""

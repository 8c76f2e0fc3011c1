"""Pure functions on records: no files, no clock, no unseeded randomness."""

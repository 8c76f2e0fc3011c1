"""Tests of the documentation: its commands, its words, and the site that is made of it."""

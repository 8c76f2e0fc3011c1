"""The command line: one subcommand per module; it parses, calls and prints."""

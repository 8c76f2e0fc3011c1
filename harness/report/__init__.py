"""Results as a person reads them: terminal and Markdown."""

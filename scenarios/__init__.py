"""One module or package per scenario; see docs/scenarios.md for how to add one."""

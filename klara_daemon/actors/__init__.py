"""The people of the daemon: each role one file, joined by messages only."""

"""What Klara decides, and nothing else: no I/O, no clock, no await."""

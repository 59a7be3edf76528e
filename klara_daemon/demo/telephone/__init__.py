"""The parts of the small telephone network, from the people up to the API."""

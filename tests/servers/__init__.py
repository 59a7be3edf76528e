"""Real servers for the tests, found or started in the order that the ladder says."""

"""The telephone: one interface, a provider per folder, and the spoken call."""

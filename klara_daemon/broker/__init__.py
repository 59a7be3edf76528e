"""RabbitMQ carries *now*: hints between actors, at least once. Two ways to carry them, one interface."""

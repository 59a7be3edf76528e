"""The ways in which RabbitMQ, Postgres and their clients fail in earnest, made to happen on real servers."""

"""How a command reaches a log: Kafka and Postgres themselves, or a gateway."""

"""How a command reaches a log: through Kafka and Postgres directly, or through a gateway."""

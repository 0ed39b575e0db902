"""Three Kafka brokers and two Postgres, with TLS and logins, and the services on them: all as processes."""

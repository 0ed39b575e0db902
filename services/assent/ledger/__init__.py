"""Writing the log on Kafka: chaining, sealing, appending, and noticing that another writer has appended."""

"""The log on Kafka, written: chaining, sealing, appending, and noticing that somebody else has."""

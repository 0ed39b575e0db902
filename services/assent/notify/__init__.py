"""R17: people are notified of what waits for them, by mail, chat or webhook."""

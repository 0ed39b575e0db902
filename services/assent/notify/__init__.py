"""R17: people hear of what waits for them, by mail, chat or webhook."""

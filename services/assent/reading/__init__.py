"""What requests and the audit log say to people, wherever it is shown: terminal, web page or API."""

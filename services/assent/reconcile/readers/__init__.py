"""What each kind of target shows."""

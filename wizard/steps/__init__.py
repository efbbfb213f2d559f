"""What each step says, shows and offers, for screens and lines alike. No user interface in here."""

"""The operating system's keyring behind a deadline: write, read back, compare; delete, read back."""

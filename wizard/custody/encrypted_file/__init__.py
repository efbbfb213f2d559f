"""Credentials in one file that a passphrase opens: a place that is chosen by name, never fallen back to."""

"""Is the current key still fine? What cron asks between two rotations."""

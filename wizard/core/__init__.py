"""What everything stands on: secrets, errors, text, clocks, addresses, files, settings, sites."""

"""Which address does Binance see? `services` and `agreement` load no HTTP library."""

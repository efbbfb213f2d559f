"""Which address does Binance see? `services`, `answers` and `agreement` load no HTTP library."""

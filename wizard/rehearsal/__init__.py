"""A rotation without money: the embedded exchange, its simulated page, and the session that joins them."""

"""A rotation without money: the embedded exchange, its desk, and the session that joins them."""

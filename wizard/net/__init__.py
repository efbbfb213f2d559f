"""The network below echo services and exchange: the one way out, how a request went, and whom TLS showed."""

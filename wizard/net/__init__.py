"""The network below echo services and exchange: how a request went, and whom TLS showed."""

"""Which address does the exchange see?

`route` decides once how to get out, `detect` asks several operators over that route, `quorum` says
what their answers mean. `providers`, `answers` and `quorum` load no HTTP library.
"""

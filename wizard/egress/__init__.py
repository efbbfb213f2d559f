"""Which address does the exchange see?

`route` decides once how to get out, `detection` asks several operators over that route, `agreement` says
what their answers mean. `services`, `answers` and `agreement` load no HTTP library.
"""

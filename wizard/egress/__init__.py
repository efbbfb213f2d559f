"""Which address does the exchange see?

`detection` asks several operators over the one route, `agreement` says what their answers mean. `services`,
`answers` and `agreement` load no HTTP library.
"""

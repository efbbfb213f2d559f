"""Values in the shape of Binance's, of which no eight characters occur in ordinary output."""

from __future__ import annotations

API_KEY = "".join(chr(65 + (number * 7) % 26) for number in range(32)) + "".join(str(n * 7 % 10) for n in range(32))
SECRET = "".join(chr(97 + (number * 11) % 26) for number in range(64))

"""Files in which a bot keeps its keys encrypted with a password: nothing can be read there, nor whose key it is. Pure.

Hummingbot writes a key as an Ethereum key file (version 3): as hexadecimal text in conf/connectors/NAME.yml, before
2022 as JSON in conf/encrypted_NAME_api_key.json (its client/config/config_crypt.py).
"""

from __future__ import annotations

import re
from typing import Final

_AS_HEXADECIMAL: Final = re.compile(r":\s*[\"']?7b22[0-9a-f]{100,}", re.IGNORECASE)
"""The hexadecimal text of a JSON object, as the value of a field."""
_AS_JSON: Final = re.compile(r"\"ciphertext\"\s*:\s*\"[0-9a-f]{32,}\"", re.IGNORECASE)


def is_encrypted(text: str) -> bool:
    """Return whether a file holds a key that a password opens."""
    return bool(_AS_HEXADECIMAL.search(text) or _AS_JSON.search(text))

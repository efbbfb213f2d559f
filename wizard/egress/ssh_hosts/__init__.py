"""Which address do others see of other hosts? They are asked over the system's OpenSSH; no secret is sent."""

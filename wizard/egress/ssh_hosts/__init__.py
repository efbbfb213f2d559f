"""Which address do others see of other hosts? They are asked over the system's own OpenSSH.

`hosts` knows names, `script.sh` is what a host runs, `openssh` runs it, `remote_detection` asks many and reads what
came back, `ssh_errors` why nothing did. No key and no secret is sent: a host is given URLs, and answers with what
servers said to it.
"""

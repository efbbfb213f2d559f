"""The program of the keyring's child process: one request on stdin, one answer on stdout.

It runs in a process of its own because a keyring call can block for ever and no thread can be
cancelled. Invariant: its modules import the standard library, keyring, jeepney and each other,
nothing else of the wizard, so that a call stays cheap and the child knows as little as it can.
"""

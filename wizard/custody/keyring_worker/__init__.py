"""The program that calls the keyring library: requests as lines on stdin, answers as lines on stdout.

It runs in a process of its own because a keyring call can block for ever and no thread can be
cancelled. Invariant: its modules import the standard library, keyring, jeepney and each other,
nothing else of the wizard, so that it starts fast and knows as little as it can.
"""

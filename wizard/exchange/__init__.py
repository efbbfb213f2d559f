"""The exchange as its client sees it: hosts, signing, calls, errors, diagnosis."""

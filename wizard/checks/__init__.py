"""What `check` and `doctor` look at: is the current key fine, and is everything there that the wizard needs here?"""

"""What the doctor looks at: is everything there that the wizard needs on this host?"""

"""Pictures of every screen, and the script that makes them."""

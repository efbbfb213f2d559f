"""The Textual wizard: one client of `wizard.rotation` among three."""

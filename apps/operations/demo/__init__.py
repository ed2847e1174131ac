"""The demo shop's own goods and pictures."""

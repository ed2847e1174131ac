"""Rows tests start from, in plain words."""

"""The schema's way from release to release: linted before, applied by one migrator, proved to bear the old code."""

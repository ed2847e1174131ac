"""What the next release brings: a column with a default of the database, and an index. Its code is this release's."""

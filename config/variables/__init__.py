"""The environment variables by subject; `config.env.Env` is all of them.

The names are those of the five documents; where two documents name one thing, both names work and the
first listed wins. `.env.example` is generated from these classes (`make snapshots`).
"""

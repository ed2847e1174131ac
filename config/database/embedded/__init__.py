"""A database engine whose server comes with the checkout (see `config/embedded_postgres/`)."""

"""The mechanics of backups: the file, where it is kept, PostgreSQL's programs, and what is compared.

`apps.operations.services.backups` puts them together.
"""

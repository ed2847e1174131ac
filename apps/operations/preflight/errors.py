"""Why preflight, or one check of it, ends early; each message is shown to a person as it is."""


class CannotCheck(Exception):
    """A check could not look, which is not the same as finding something wrong."""


class PreflightRefused(Exception):
    """Nothing was checked, because what was asked for makes no sense or the database is away."""

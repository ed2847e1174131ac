"""Emails are canonical before anything else looks at them."""

import unicodedata

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

MAX_EMAIL_CHARACTERS = 254


def canonical_email(written: str) -> str:
    """The address as mail servers know it, however wide, large or foreign its letters were written.

    Two spellings of one mailbox must not be two people, nor one that only looks like it a second. Raises `ValueError`.
    """
    small = unicodedata.normalize("NFKC", written.strip()).lower()
    local, _, domain = small.rpartition("@")
    if not (local.isascii() and local.isprintable()):
        raise ValueError("Enter an email address.")
    email = f"{local}@{_ascii_domain(domain)}"
    try:
        validate_email(email)
    except ValidationError:
        raise ValueError("Enter an email address.") from None
    if len(email) > MAX_EMAIL_CHARACTERS:
        raise ValueError("Enter an email address.")
    return email


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        raise ValueError("Enter an email address.") from None

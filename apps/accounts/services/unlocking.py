"""Finding what is locked."""

from django.db.models import Q

from apps.accounts.models import User
from apps.accounts.services.passwords import subject_of


def subjects_of(login: str) -> list[str]:
    """What tries at somebody's secrets are counted by, from the email or phone they sign in with."""
    login = login.strip().lower()
    people = User.objects.filter(Q(email=login) | Q(phone=login) | Q(claimed_phone=login)).values_list("pk", flat=True)
    return [subject_of(login), *(name for pk in people for name in (str(pk), subject_of(str(pk))))]

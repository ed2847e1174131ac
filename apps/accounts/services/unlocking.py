"""Finding what is locked."""

from django.db.models import Q

from apps.accounts.models import User
from apps.accounts.services.lockouts import subject_of_person
from apps.accounts.services.passwords import subject_of, typed_email


def subjects_of(login: str) -> list[str]:
    """What tries at somebody's secrets are counted by, from the email or phone they sign in with."""
    login = typed_email(login)
    people = User.objects.filter(Q(email=login) | Q(phone=login) | Q(claimed_phone=login)).values_list("pk", flat=True)
    return [subject_of(login), *(subject_of_person(pk) for pk in people)]

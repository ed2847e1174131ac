"""What operators may do to people, and what that leaves behind."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from apps.accounts.models import AuditEvent, Company, KnownNetwork, Lockout, User
from core.clock import now
from tests.conftest import Api

PASSWORD = "a long enough phrase"
NEW = "another long phrase"
SIGN_IN = {"username": "operator@shop.test", "password": PASSWORD}
STRANGER = {"REMOTE_ADDR": "198.51.100.7"}
pytestmark = pytest.mark.django_db


def page_of(person):
    return reverse("admin:accounts_user_change", args=[person.pk])


def password_page_of(person):
    return reverse("admin:auth_user_password_change", args=[person.pk])


@pytest.fixture
def sara():
    return User.objects.create_user(email="sara@shop.test", password=PASSWORD, email_verified_at=now())


@pytest.fixture
def colleague(client):
    """Somebody who may keep people's records and is no superuser."""
    person = User.objects.create_user(email="new@shop.test", password=PASSWORD, is_staff=True)
    names = ("view_user", "change_user", "add_user", "delete_user")
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(person)
    return client


def test_strangers_cannot_lock_an_operator_out(client, operator):
    assert client.post("/admin/login/", SIGN_IN).status_code == 302
    assert AuditEvent.objects.get(action="signed_in").details == {"by": "console"}
    assert KnownNetwork.objects.get().user == operator
    for _ in range(11):
        Api().post("/admin/login/", SIGN_IN | {"password": "wrong"}, **STRANGER)
    assert Api().post("/admin/login/", SIGN_IN, **STRANGER).status_code == 200
    assert Api().post("/admin/login/", SIGN_IN).status_code == 302


def test_a_customer_at_the_consoles_door_is_not_noted_as_signed_in(client, sara):
    assert client.post("/admin/login/", SIGN_IN | {"username": sara.email}).status_code == 200
    assert not AuditEvent.objects.filter(action="signed_in").exists()
    assert not KnownNetwork.objects.exists()


def test_a_password_longer_than_any_door_takes_is_not_even_counted(client, operator):
    assert client.post("/admin/login/", SIGN_IN | {"password": "x" * 129}).status_code == 200
    assert not Lockout.objects.exists()
    client.force_login(operator)
    before, typed = operator.password, {"password1": NEW * 10, "password2": NEW * 10, "usable_password": "true"}
    assert client.post(password_page_of(operator), typed).status_code == 200
    operator.refresh_from_db()
    assert operator.password == before


def test_taking_a_password_away_opens_no_door(client, operator, sara, sign_in):
    phone = sign_in(sara)
    client.force_login(operator)
    typed = {"password1": "", "password2": "", "usable_password": "false", "unset-password": "1"}
    assert client.post(password_page_of(sara), typed).status_code == 302
    sara.refresh_from_db()
    assert not sara.has_usable_password()
    assert not sara.check_password("")
    assert phone.send("GET", "/api/accounts/me/").status_code == 401
    event = AuditEvent.objects.get(action="password_changed")
    assert (event.user, event.address) == (sara, "127.0.0.1")
    assert event.details == {"usable": False, "operator": operator.pk}


def test_who_set_a_password_in_the_console_is_in_the_audit_log(client, operator, sara):
    client.force_login(operator)
    typed = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert client.post(password_page_of(sara), typed).status_code == 302
    event = AuditEvent.objects.get(action="password_changed")
    assert (event.user, event.address, event.details["operator"]) == (sara, "127.0.0.1", operator.pk)


@pytest.mark.parametrize("is_superuser", [False, True])
def test_colleagues_records_are_for_superusers(colleague, is_superuser):
    boss = User.objects.create_user(
        email="boss@shop.test", password=PASSWORD, is_staff=not is_superuser, is_superuser=is_superuser
    )
    before = User.objects.filter(pk=boss.pk).values().get()
    typed = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert colleague.get(page_of(boss)).status_code == 403
    assert colleague.post(page_of(boss), {"email": "mine@shop.test", "role_state": "client"}).status_code == 403
    assert colleague.get(password_page_of(boss)).status_code == 403
    assert colleague.post(password_page_of(boss), typed).status_code == 403
    assert colleague.post(reverse("admin:accounts_user_delete", args=[boss.pk]), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [str(boss.pk)], "post": "yes"}
    assert colleague.post(reverse("admin:accounts_user_changelist"), chosen).status_code == 403
    assert User.objects.filter(pk=boss.pk).values().get() == before


def test_a_colleague_makes_nobody_a_colleague(colleague, sara):
    typed = {"email": sara.email, "role_state": "client", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    assert colleague.post(page_of(sara), typed).status_code == 302
    add = {"email": "friend@shop.test", "password1": NEW, "password2": NEW, "is_staff": "on"}
    assert colleague.post(reverse("admin:accounts_user_add"), add).status_code == 302
    made = User.objects.filter(email__in=[sara.email, "friend@shop.test"])
    assert list(made.values_list("role_state", "is_staff", "is_superuser")) == [
        ("visitor", False, False),
        ("client", False, False),
    ]


def test_an_email_typed_in_the_console_is_not_verified_and_in_the_audit_log(client, operator, sara):
    client.force_login(operator)
    typed = {"role_state": "client", "is_active": "on"}
    assert client.post(page_of(sara), typed | {"email": "SARA@shop.test"}).status_code == 302
    sara.refresh_from_db()
    assert sara.email_verified_at is not None
    assert not AuditEvent.objects.filter(action="email_changed").exists()
    assert client.post(page_of(sara), typed | {"email": "Other@ｇmail.com"}).status_code == 302
    sara.refresh_from_db()
    assert (sara.email, sara.email_verified_at) == ("other@gmail.com", None)
    event = AuditEvent.objects.get(action="email_changed")
    assert (event.user, event.subject, event.details) == (sara, "other@gmail.com", {"operator": operator.pk})


def test_an_operator_vouches_for_a_company(client, operator):
    company = Company.objects.create(name="Acme")
    client.force_login(operator)
    url = reverse("admin:accounts_company_changelist")
    client.post(url, {"action": "confirm", "_selected_action": [company.pk]})
    company.refresh_from_db()
    assert company.confirmed_at
    assert AuditEvent.objects.get(action="company_confirmed").user == operator
    assert client.get(url).status_code == 200

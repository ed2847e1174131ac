"""S4: accounts and companies; nobody gets into one by knowing its name, and none loses its last owner."""

import re
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.core import mail
from django.db import transaction
from django.utils import timezone

from apps.accounts.callers import Caller
from apps.accounts.errors import InsufficientRole, LastOwner
from apps.accounts.models import AuditEvent, Company, Invitation, Link, Membership, User
from apps.accounts.services import (
    accept_invitation,
    change_role,
    confirm_company,
    invite,
    register_with_company,
    retire_company,
    token_of,
)
from apps.accounts.services.mailing import mail_link
from core.errors import DomainError
from core.models import OutboxJob
from core.outbox import run_due_jobs
from tests.conftest import Api
from tests.races import race

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough phrase"
CALLER = Caller("203.0.113.9", "tests")
DAY = timedelta(days=1)


def register(api, email="ana@acme.test", **changes):
    return api.send("POST", "/auth/register", {"email": email, "password": PASSWORD} | changes)


def person(email, company=None, role="viewer"):
    user = User.objects.create_user(email=email, password=PASSWORD)
    if company:
        Membership.objects.create(user=user, company=company, role=role)
    return user


@pytest.fixture
def acme():
    return Company.objects.create(name="Acme")


@pytest.fixture
def ana(acme):
    return person("ana@acme.test", acme, "owner")


@pytest.fixture
def owner(ana, sign_in):
    return sign_in(ana)


@pytest.fixture
def admin(acme, sign_in):
    return sign_in(person("admin@acme.test", acme, "admin"))


@pytest.fixture
def viewer(acme, sign_in):
    return sign_in(person("viewer@acme.test", acme))


def mailed_token():
    run_due_jobs()
    return re.search(r"invitation\?token=([\w=-]+)", mail.outbox[-1].body).group(1)


def roles():
    return dict(Membership.objects.order_by("pk").values_list("user__email", "role"))


def test_who_registers_a_new_company_owns_it(api):
    reply = register(api, company_name="  Acme   Media ")
    company = Company.objects.get()
    assert (company.name, company.confirmed_at) == ("Acme Media", None)
    assert (reply.status_code, reply.json()) == (
        201,
        {
            "id": User.objects.get().pk,
            "email": "ana@acme.test",
            "is_active": True,
            "company_id": company.pk,
            "role": "owner",
        },
    )
    assert AuditEvent.objects.get(action="joined_company").details == {"company": company.pk, "role": "owner"}


@pytest.mark.parametrize("name", ["Acme", "ACME", " acme ", "Ａｃｍｅ"])
def test_knowing_a_companys_name_lets_nobody_in(api, acme, ana, name):
    reply = register(api, "mallory@evil.test", company_name=name)
    assert reply.status_code == 201
    assert (reply.json()["company_id"], reply.json()["role"]) == (None, "viewer")
    assert Company.objects.count() == 1
    assert roles() == {"ana@acme.test": "owner"}


@pytest.mark.parametrize("told", [{}, {"company_name": None}, {"company_name": " "}])
def test_without_a_company_one_is_a_viewer_of_nothing(api, told):
    assert (register(api, **told).json()["company_id"], Company.objects.count()) == (None, 0)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"email": "nobody"}, 422),
        ({"email": None}, 422),
        ({"password": "12345678"}, 422),
        ({"password": "x" * 129}, 422),
        ({"password": "x" * 2**20}, 413),
        ({"company_name": "x" * 201}, 422),
        ({"company_name": "Ac\u200bme"}, 422),
        ({"company_name": "ﷺ" * 20}, 422),
        ({"company_name": ["Acme"]}, 422),
        ({"company_name": "a\0b"}, 400),
    ],
)
def test_what_cannot_be_an_account_is_refused(api, changes, status):
    reply = register(api, **({"company_name": "Acme"} | changes))
    assert reply.status_code == status
    assert {"detail", "code", "request_id"} <= set(reply.json())
    assert not User.objects.exists()
    assert not Company.objects.exists()


def test_an_email_somebody_has_is_said_in_the_documents_words(api, ana):
    reply = register(api, "ANA@acme.test", company_name="Other")
    assert (reply.status_code, reply.json()["detail"]) == (400, "Email already registered")
    assert not Company.objects.filter(name="Other").exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_register_one_new_company_at_once_one_owns_it():
    def act(number):
        name = "Acme" if number % 2 else "ACME"
        return register_with_company(
            email=f"a{number}@acme.test", password=PASSWORD, company_name=name, caller=CALLER
        ).role

    outcomes = race(act, threads=8)
    assert sorted(outcomes) == ["owner", *["viewer"] * 7]
    assert (Company.objects.count(), Membership.objects.count(), User.objects.count()) == (1, 1, 8)


def test_me_says_where_one_stands(owner, ana, acme, shopper):
    assert owner.send("GET", "/auth/me").json() == {
        "id": ana.pk,
        "email": "ana@acme.test",
        "is_active": True,
        "company_id": acme.pk,
        "role": "owner",
    }
    assert shopper.send("GET", "/auth/me").json()["company_id"] is None
    refused = Api().send("GET", "/auth/me")
    assert (refused.status_code, refused.json()["detail"]) == (401, "Could not validate credentials")


@pytest.mark.parametrize(
    ("asked", "given"),
    [("admin", "admin"), ("viewer", "viewer"), ("owner", "viewer"), ("x" * 999, "viewer"), (7, "viewer")],
)
def test_an_owner_makes_accounts_for_colleagues(owner, acme, asked, given):
    body = {"email": "Bob@acme.test", "password": PASSWORD, "role": asked}
    reply = owner.send("POST", "/auth/create_user", body)
    assert (reply.status_code, reply.json()["company_id"], reply.json()["role"]) == (201, acme.pk, given)
    assert roles()["bob@acme.test"] == given


def test_a_colleague_is_mailed_the_link_that_proves_their_email(owner, ana, acme):
    owner.send("POST", "/auth/create_user", {"email": "bob@acme.test", "password": PASSWORD})
    bob = User.objects.get(email="bob@acme.test")
    assert bob.email_verified_at is None
    run_due_jobs()
    assert [(sent.to, Link.objects.get().purpose) for sent in mail.outbox] == [(["bob@acme.test"], "verify_email")]
    asked = AuditEvent.objects.get(action="account_asked")
    assert (asked.user, asked.subject, asked.details) == (ana, "bob@acme.test", {"company": acme.pk})


def test_without_a_mail_server_or_past_its_limit_a_colleague_gets_the_account_all_the_same(owner, settings):
    now = timezone.now()
    for _ in range(5):
        Link.objects.create(purpose="verify_email", email="bob@acme.test", created_at=now, expires_at=now + DAY)
    bob, eve = ({"email": f"{name}@acme.test", "password": PASSWORD} for name in ("bob", "eve"))
    assert owner.send("POST", "/auth/create_user", bob).status_code == 201
    settings.EMAIL_BACKEND = "apps.accounts.mails.NoBackend"
    assert owner.send("POST", "/auth/create_user", eve).status_code == 201
    assert (len(roles()), Link.objects.count()) == (3, 5)


def test_a_company_asks_for_fifty_accounts_a_day_refused_ones_too(owner, ana, sign_in):
    replies = [owner.send("POST", "/auth/create_user", {"email": ana.email, "password": PASSWORD}) for _ in range(50)]
    assert {reply.json()["detail"] for reply in replies} == {"Email already registered"}
    bob = {"email": "bob@acme.test", "password": PASSWORD}
    refused = owner.send("POST", "/auth/create_user", bob)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "86400")
    assert not User.objects.filter(email="bob@acme.test").exists()
    other = sign_in(person("eve@x.test", Company.objects.create(name="Other"), "owner"))
    assert other.send("POST", "/auth/create_user", bob).status_code == 201
    AuditEvent.objects.filter(action="account_asked").update(at=timezone.now() - DAY)
    assert owner.send("POST", "/auth/create_user", bob | {"email": "kim@acme.test"}).status_code == 201


@pytest.mark.parametrize("path", ["register", "create_user", "invitations"])
def test_outside_development_an_address_asks_ten_times_an_hour(owner, settings, path):
    settings.ENVIRONMENT = "staging"
    bodies = [{"email": f"b{number}@acme.test", "password": PASSWORD} for number in range(11)]
    replies = [owner.send("POST", f"/auth/{path}", body).status_code for body in bodies]
    assert replies == [201] * 10 + [429]
    assert not User.objects.filter(email="b10@acme.test").exists()
    assert not Invitation.objects.filter(email="b10@acme.test").exists()


def test_only_owners_make_accounts(owner, admin, viewer, shopper):
    body = {"email": "bob@acme.test", "password": PASSWORD}
    for client in (admin, viewer, shopper):
        reply = client.send("POST", "/auth/create_user", body)
        assert (reply.status_code, reply.json()["detail"]) == (403, "Insufficient role")
    assert not User.objects.filter(email="bob@acme.test").exists()


def test_who_may_not_make_accounts_does_not_learn_which_exist(admin, ana):
    reply = admin.send("POST", "/auth/create_user", {"email": ana.email, "password": PASSWORD})
    assert reply.status_code == 403


@pytest.mark.parametrize(("change", "status"), [({"email": "ana@acme.test"}, 400), ({"password": "123"}, 422)])
def test_a_colleagues_account_that_cannot_be_changes_nothing(owner, change, status):
    body = {"email": "bob@acme.test", "password": PASSWORD} | change
    assert owner.send("POST", "/auth/create_user", body).status_code == status
    assert roles() == {"ana@acme.test": "owner"}


def test_an_invitation_lets_its_receiver_in_once(owner, ana, acme, sign_in):
    reply = owner.send("POST", "/auth/invitations", {"email": "Bob@Other.test", "role": "admin"})
    assert reply.status_code == 201
    assert set(reply.json()) == {"id", "email", "role", "company_id", "created_at", "expires_at"}
    token = mailed_token()
    assert mail.outbox[-1].to == ["bob@other.test"]
    bob = sign_in(person("bob@other.test"))
    accepted, again = (bob.send("POST", "/auth/invitations/accept", {"token": token}) for _ in range(2))
    assert (accepted.status_code, accepted.json()["company_id"], accepted.json()["role"]) == (200, acme.pk, "admin")
    assert again.status_code == 400
    assert owner.send("GET", "/auth/invitations").json() == []
    assert list(
        AuditEvent.objects.filter(action__in=["invited", "joined_company"]).values_list("action", flat=True)
    ) == [
        "joined_company",
        "invited",
    ]


def test_somebody_elses_invitation_is_refused_and_stays_unspent(ana, sign_in):
    invitation = invite(user=ana, email="bob@other.test", role="viewer", caller=CALLER)
    mallory = sign_in(person("mallory@evil.test"))
    reply = mallory.send("POST", "/auth/invitations/accept", {"token": token_of(invitation.link)})
    assert (reply.status_code, reply.json()["code"]) == (403, "invitation_not_yours")
    invitation.link.refresh_from_db()
    assert invitation.link.used_at is None
    assert "mallory@evil.test" not in roles()


def test_who_is_in_a_company_stays_there(ana, sign_in):
    other = Company.objects.create(name="Other")
    bob = person("bob@other.test", other, "owner")
    invitation = invite(user=ana, email="bob@other.test", role="viewer", caller=CALLER)
    reply = sign_in(bob).send("POST", "/auth/invitations/accept", {"token": token_of(invitation.link)})
    assert (reply.status_code, reply.json()["code"]) == (400, "in_another_company")
    assert Membership.objects.get(user=bob).company == other
    assert Invitation.objects.open().get() == invitation


@pytest.mark.django_db(transaction=True)
def test_two_invitations_followed_at_once_lead_into_one_company():
    bob = person("bob@other.test")
    tokens = []
    for number in range(4):
        boss = person(f"boss{number}@x.test", Company.objects.create(name=f"Company {number}"), "owner")
        tokens.append(token_of(invite(user=boss, email=bob.email, role="viewer", caller=CALLER).link))
    outcomes = race(lambda number: accept_invitation(user=bob, token=tokens[number], caller=CALLER), threads=4)
    assert sorted(isinstance(outcome, DomainError) for outcome in outcomes) == [False, True, True, True]
    assert Membership.objects.filter(user=bob).count() == 1
    assert Link.objects.filter(used_at=None).count() == 3


def accept(client, invitation):
    reply = client.send("POST", "/auth/invitations/accept", {"token": token_of(invitation.link)})
    return reply.status_code, reply.json().get("code")


def test_an_invitation_into_a_deleted_company_is_a_link_that_opens_nothing(ana, acme, sign_in):
    invitation = invite(user=ana, email="bob@other.test", role="viewer", caller=CALLER)
    acme.delete()
    assert accept(sign_in(person("bob@other.test")), invitation) == (400, "link_rejected")
    assert roles() == {}


def test_an_invitation_whose_company_was_deleted_is_not_mailed(ana, acme):
    invitation = invite(user=ana, email="bob@other.test", role="viewer", caller=CALLER)
    acme.delete()
    mail_link(invitation.link)
    run_due_jobs()
    assert mail.outbox == []
    assert not OutboxJob.objects.exclude(state="done").filter(name="accounts.mail_link").exists()


@pytest.mark.parametrize("loss", [{"role": "viewer"}, {"user__is_active": False}])
def test_nobody_becomes_admin_of_a_company_without_an_owner(ana, acme, sign_in, loss):
    invitation = invite(user=ana, email="bob@other.test", role="admin", caller=CALLER)
    if "role" in loss:
        Membership.objects.update(**loss)
    else:
        User.objects.filter(pk=ana.pk).update(is_active=False)
    assert accept(sign_in(person("bob@other.test")), invitation) == (400, "link_rejected")
    assert "bob@other.test" not in roles()
    assert Invitation.objects.open().get() == invitation


def test_a_company_its_last_member_left_is_gone_and_its_invitations_with_it(ana, acme, sign_in):
    invitation = invite(user=ana, email="bob@other.test", role="viewer", caller=CALLER)
    retire_company(company=acme)
    assert Invitation.objects.open().get() == invitation  # somebody is still in it
    Membership.objects.all().delete()
    retire_company(company=acme)
    retire_company(company=acme)
    assert not Company.objects.exists()
    assert Link.objects.get().used_at is not None
    assert accept(sign_in(person("bob@other.test")), invitation) == (400, "link_rejected")
    assert roles() == {}


def test_the_last_member_of_an_ownerless_company_closes_it_by_leaving(viewer, acme):
    bob = person("bob@acme.test", acme)
    assert viewer.send("DELETE", member_path("viewer@acme.test")).status_code == 200
    assert Company.objects.get() == acme
    bob.membership.delete()
    Membership.objects.create(user=User.objects.get(email="viewer@acme.test"), company=acme)
    assert viewer.send("DELETE", member_path("viewer@acme.test")).status_code == 200
    assert not Company.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_a_company_left_while_somebody_joins_is_either_theirs_to_be_in_or_gone(attempt):
    acme = Company.objects.create(name="Acme")
    ana, bob = person("ana@acme.test", acme, "owner"), person("bob@other.test")
    token = token_of(invite(user=ana, email=bob.email, role="admin", caller=CALLER).link)

    def leave_or_join(number):
        if number:
            return accept_invitation(user=bob, token=token, caller=CALLER)
        with transaction.atomic():
            Company.objects.select_for_update(no_key=True).get(pk=acme.pk)
            if Membership.objects.filter(company=acme).count() == 1:
                ana.membership.delete()
            return retire_company(company=acme)

    left, joined = race(leave_or_join, threads=2)
    assert left is None
    expected = {"bob@other.test": "admin", "ana@acme.test": "owner"} if not isinstance(joined, DomainError) else {}
    assert (roles(), Company.objects.count()) == (expected, len(expected) // 2)


def test_an_operator_confirms_a_company_once(acme, operator):
    confirm_company(company=acme, by=operator)
    acme.refresh_from_db()
    first = acme.confirmed_at
    confirm_company(company=acme, by=operator)
    acme.refresh_from_db()
    assert first
    assert acme.confirmed_at == first
    noted = AuditEvent.objects.get(action="company_confirmed")
    assert (noted.user, noted.subject, noted.details) == (operator, "Acme", {"company": acme.pk})


def test_who_may_invite_whom(owner, admin, viewer, shopper):
    def status(client, role):
        body = {"email": "bob@other.test", "role": role}
        return client.send("POST", "/auth/invitations", body).status_code

    assert [status(client, "viewer") for client in (owner, admin, viewer, shopper)] == [201, 201, 403, 403]
    assert [status(client, "admin") for client in (owner, admin, viewer, shopper)] == [201, 403, 403, 403]
    assert status(owner, "owner") == 422


def test_a_second_invitation_replaces_the_first(owner, sign_in):
    owner.send("POST", "/auth/invitations", {"email": "bob@other.test", "role": "admin"})
    first = mailed_token()
    owner.send("POST", "/auth/invitations", {"email": "bob@other.test", "role": "viewer"})
    bob = sign_in(person("bob@other.test"))
    assert bob.send("POST", "/auth/invitations/accept", {"token": first}).status_code == 400
    assert [row["role"] for row in owner.send("GET", "/auth/invitations").json()] == ["viewer"]


def test_a_withdrawn_invitation_opens_nothing(owner, admin, viewer, ana, sign_in):
    invitation = invite(user=ana, email="bob@other.test", role="admin", caller=CALLER)
    path = f"/auth/invitations/{invitation.pk}"
    stranger = sign_in(person("eve@x.test", Company.objects.create(name="Other"), "owner"))
    replies = [client.send("DELETE", path).status_code for client in (viewer, admin, stranger, owner, owner)]
    assert replies == [403, 403, 404, 200, 404]
    bob = sign_in(person("bob@other.test"))
    token = token_of(invitation.link)
    assert bob.send("POST", "/auth/invitations/accept", {"token": token}).status_code == 400


def test_colleagues_are_not_invited_and_strangers_not_without_end(owner, ana, viewer):
    known = owner.send("POST", "/auth/invitations", {"email": "viewer@acme.test"})
    assert (known.status_code, known.json()["code"]) == (400, "already_member")
    replies = [owner.send("POST", "/auth/invitations", {"email": "bob@other.test"}).status_code for _ in range(6)]
    assert replies == [201] * 5 + [429]
    for number in range(45):
        invite(user=ana, email=f"b{number}@other.test", role="viewer", caller=CALLER)
    full = owner.send("POST", "/auth/invitations", {"email": "one.more@other.test"})
    assert (full.status_code, full.json()["code"]) == (400, "too_many_invitations")


def test_without_a_mail_server_nobody_is_invited(owner, settings):
    settings.EMAIL_BACKEND = "apps.accounts.mails.NoBackend"
    assert owner.send("POST", "/auth/invitations", {"email": "bob@other.test"}).status_code == 503
    assert not Invitation.objects.exists()


def test_members_are_listed_to_members(owner, viewer, shopper):
    names = [member["email"] for member in viewer.send("GET", "/auth/company/members").json()]
    assert names == ["ana@acme.test", "viewer@acme.test"]
    assert shopper.send("GET", "/auth/company/members").json() == []


def member_path(email):
    return f"/auth/company/members/{User.objects.get(email=email).pk}"


def test_an_owner_gives_roles(owner, admin, viewer):
    assert owner.send("PATCH", member_path("viewer@acme.test"), {"role": "owner"}).json()["role"] == "owner"
    assert owner.send("PATCH", member_path("ana@acme.test"), {"role": "viewer"}).json()["role"] == "viewer"
    assert roles() == {"ana@acme.test": "viewer", "admin@acme.test": "admin", "viewer@acme.test": "owner"}
    assert owner.send("PATCH", member_path("ana@acme.test"), {"role": "owner"}).status_code == 403


def test_nobody_but_owners_gives_roles_or_takes_people_out(owner, admin, viewer, shopper, sign_in):
    stranger = sign_in(person("eve@x.test", Company.objects.create(name="Other"), "owner"))
    before = roles()
    for client, status in ((admin, 403), (viewer, 403), (shopper, 403), (stranger, 404)):
        assert client.send("PATCH", member_path("ana@acme.test"), {"role": "viewer"}).status_code == status
        assert client.send("DELETE", member_path("ana@acme.test")).status_code == status
    assert owner.send("PATCH", member_path("eve@x.test"), {"role": "viewer"}).status_code == 404
    assert roles() == before


def test_the_last_owner_can_neither_step_down_nor_leave(owner, acme):
    User.objects.filter(pk=person("gone@acme.test", acme, "owner").pk).update(is_active=False)
    demoted = owner.send("PATCH", member_path("ana@acme.test"), {"role": "admin"})
    removed = owner.send("DELETE", member_path("ana@acme.test"))
    assert {(reply.status_code, reply.json()["code"]) for reply in (demoted, removed)} == {(409, "last_owner")}
    assert roles()["ana@acme.test"] == "owner"


def test_members_leave_and_are_taken_out_and_keep_their_accounts(owner, admin, viewer):
    assert viewer.send("DELETE", member_path("viewer@acme.test")).json() == {"ok": True}
    assert owner.send("DELETE", member_path("admin@acme.test")).json() == {"ok": True}
    assert roles() == {"ana@acme.test": "owner"}
    assert admin.send("GET", "/auth/me").json()["role"] == "viewer"
    left = AuditEvent.objects.filter(action="left_company").values_list("subject", flat=True)
    assert set(left) == {"viewer@acme.test", "admin@acme.test"}


@pytest.mark.parametrize("act", ["PATCH", "DELETE"])
def test_the_invitations_of_who_may_invite_no_more_are_withdrawn(owner, admin, act):
    admin.send("POST", "/auth/invitations", {"email": "bob@other.test"})
    assert owner.send(act, member_path("admin@acme.test"), {"role": "viewer"}).status_code == 200
    assert owner.send("GET", "/auth/invitations").json() == []


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_demote_each_other_leave_one():
    acme = Company.objects.create(name="Acme")
    owners = [person(f"{name}@acme.test", acme, "owner") for name in ("ana", "bob")]

    def demote(number):
        return change_role(owner=owners[number], member=owners[1 - number].pk, role="viewer", caller=CALLER)

    outcomes = race(demote, threads=2)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InsufficientRole", "Standing"]
    assert sorted(Membership.objects.values_list("role", flat=True)) == ["owner", "viewer"]


@pytest.mark.django_db(transaction=True)
def test_owners_who_all_step_down_at_once_leave_one():
    acme = Company.objects.create(name="Acme")
    owners = [person(f"o{number}@acme.test", acme, "owner") for number in range(6)]
    outcomes = race(
        lambda number: change_role(owner=owners[number], member=owners[number].pk, role="viewer", caller=CALLER),
        threads=6,
    )
    assert sum(isinstance(outcome, LastOwner) for outcome in outcomes) == 1
    assert not any(isinstance(outcome, InsufficientRole) for outcome in outcomes)
    assert Membership.objects.filter(role="owner").count() == 1


@pytest.mark.parametrize("value", ["x", "0", "-1", "9" * 30, "1.5", "%00", "😀", "9223372036854775807"])
@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "invitations"), ("PATCH", "company/members"), ("DELETE", "company/members")]
)
def test_an_id_that_names_nobody_is_refused(owner, method, path, value):
    reply = owner.send(method, f"/auth/{path}/{value}", {"role": "viewer"})
    assert reply.status_code in {400, 404, 422}
    assert roles() == {"ana@acme.test": "owner"}


@pytest.mark.parametrize("token", ["x", "", "😀", "A" * 64, "x" * 2001, None])
def test_a_token_that_is_no_invitation_is_refused(viewer, token):
    assert viewer.send("POST", "/auth/invitations/accept", {"token": token}).status_code in {400, 422}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "me"),
        ("POST", "create_user"),
        ("POST", "invitations"),
        ("GET", "invitations"),
        ("POST", "invitations/accept"),
        ("GET", "company/members"),
        ("PATCH", "company/members/1"),
        ("DELETE", "company/members/1"),
    ],
)
def test_without_a_token_nothing_of_this_answers(api, method, path):
    assert api.send(method, f"/auth/{path}", {}).status_code == 401


def test_the_migration_confirms_only_companies_nobody_is_in(ana, acme):
    Company.objects.create(name="Imported")
    import_module("apps.accounts.migrations.0006_confirmed_companies").confirm_what_operators_made(apps, None)
    assert [company.name for company in Company.objects.exclude(confirmed_at=None)] == ["Imported"]

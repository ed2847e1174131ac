"""The console's second door: a password alone opens nothing, a code works once, nobody is locked out for good."""

import re
import time
from base64 import b32decode
from io import StringIO

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from apps.accounts.checks import check_console
from apps.accounts.errors import SecondFactorAlreadySet, SecondFactorLocked, SecondFactorRejected
from apps.accounts.models import AuditEvent, Lockout, RecoveryCode, SecondFactor, User
from apps.accounts.services import change_password
from apps.accounts.services.lockouts import MOST_TRIES
from apps.accounts.services.second_factor import add_second_factor, prove_second_factor
from apps.operations.services.maintenance import close_shop, open_shop
from core.models import OutboxJob
from tests.accounts.authenticator import HOME, App, set_up_for
from tests.races import race

PASSWORD = "a long enough phrase"
SIGN_IN = {"username": "operator@shop.test", "password": PASSWORD}
STRANGER = {"REMOTE_ADDR": "198.51.100.7"}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _door(settings):
    settings.CONSOLE_SECOND_FACTOR = True


@pytest.fixture
def phone(operator):
    """The operator's app, set up two minutes ago."""
    with time_machine.travel(time.time() - 120, tick=False):
        return set_up_for(operator)


def give_password(client, **extra):
    return client.post("/admin/login/", SIGN_IN, **extra)


def give(client, code, **extra):
    return client.post("/admin/second-factor/", {"code": code}, **extra)


def is_inside(client):
    return client.get("/admin/").status_code == 200


def inside(client, app, later=0):
    give_password(client)
    assert give(client, app.code(later)).status_code == 302
    assert is_inside(client)
    return client


def shown_secret(page):
    return re.search(r'id="secret">([A-Z2-7]+)<', page.content.decode()).group(1)


def shown_codes(page):
    return re.findall(r"<li>([0-9a-z]{4}(?:-[0-9a-z]{4}){3})</li>", page.content.decode())


def events(action):
    return list(AuditEvent.objects.filter(action=action))


def notices():
    return [job.payload["notice"] for job in OutboxJob.objects.filter(name="accounts.notify").order_by("pk")]


def every_console_address():
    """Each address under the console, with something in place of its parameters."""
    (console,) = [found for found in get_resolver().url_patterns if getattr(found, "app_name", "") == "admin"]

    def walk(patterns, before):
        for pattern in patterns:
            route = re.sub(
                r"<[^>]+>",
                "1",
                re.sub(r"\(\?P<\w+>([\w|]+)\)", lambda found: found[1].split("|")[0], str(pattern.pattern)),
            )
            path = before + route.removeprefix("^").replace(r"(\.*)$", "x").replace("(?P1.*)$", "x").rstrip("$")
            if isinstance(pattern, URLPattern):
                yield path
            else:
                yield from walk(pattern.url_patterns, path)

    return [*walk(console.url_patterns, "/admin/"), "/admin/password_change/"]


STEPS = {"/admin/login/", "/admin/second-factor/", "/admin/second-factor/set-up/", "/admin/second-factor/leave/"}


@pytest.mark.parametrize("has_app", [True, False])
def test_a_password_alone_opens_no_page_of_the_console(client, operator, has_app):
    if has_app:
        set_up_for(operator)
    give_password(client)
    addresses = set(every_console_address()) - STEPS
    assert len(addresses) > 120
    for path in sorted(addresses):
        for reply in (client.get(path), client.post(path)):
            assert reply.status_code == 302, path
            assert reply["Location"].startswith("/admin/login/?next=") or path == "/admin/logout/", path
    assert client.get("/admin/login/")["Location"] == "/admin/second-factor/"
    assert client.get("/metrics/", **STRANGER).status_code == 404


def test_a_session_from_before_opens_no_page_either(client, operator, phone):
    client.force_login(operator)
    for path in sorted(set(every_console_address()) - STEPS):
        assert client.get(path).status_code == 302, path
    assert client.get("/admin/login/").status_code == 200
    assert client.get("/admin/second-factor/set-up/")["Location"] == "/admin/login/"


def test_without_the_second_factor_a_session_is_nobodys_elsewhere_either(client, operator, phone):
    client.force_login(operator)
    close_shop(seconds=300)
    assert client.get("/metrics/", **STRANGER).status_code == 404
    assert client.get("/api/products/").status_code == 503
    inside(client, phone)
    assert client.get("/metrics/", **STRANGER).status_code == 200
    assert client.get("/api/products/").status_code == 200
    SecondFactor.objects.all().delete()
    assert client.get("/metrics/", **STRANGER).status_code == 404
    assert client.get("/api/products/").status_code == 503
    open_shop()


def test_the_first_sign_in_leads_through_setting_up(client, operator):
    operator.email_verified_at = operator.created_at
    operator.save()
    assert give_password(client)["Location"] == "/admin/second-factor/"
    assert client.get("/admin/second-factor/")["Location"] == "/admin/second-factor/set-up/"
    page = client.get("/admin/second-factor/set-up/")
    assert 'src="data:image/svg+xml;base64,' in page.content.decode()
    assert page["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert shown_secret(client.get("/admin/second-factor/set-up/")) == shown_secret(page), "one secret a session"
    app = App(b32decode(shown_secret(page)))
    refused = client.post("/admin/second-factor/set-up/", {"code": app.wrong()})
    assert "not right" in refused.content.decode()
    assert not SecondFactor.objects.exists()
    assert not is_inside(client)
    codes = shown_codes(client.post("/admin/second-factor/set-up/", {"code": f"{app.code()[:3]} {app.code()[3:]}"}))
    assert len(set(codes)) == 10
    assert is_inside(client)
    assert [event.action for event in AuditEvent.objects.filter(user=operator)] == ["signed_in", "factor_added"]
    assert notices() == ["factor_added"]
    assert client.get("/admin/second-factor/set-up/")["Location"] == "/admin/second-factor/"


def test_a_code_opens_the_console_and_leads_where_one_wanted_to_go(client, operator, phone):
    wanted = reverse("admin:orders_order_changelist")
    client.post(f"/admin/login/?next={wanted}", SIGN_IN)
    assert not AuditEvent.objects.filter(action="signed_in").exists()
    assert give(client, phone.code())["Location"] == wanted
    assert is_inside(client)
    assert events("factor_proved")[0].user == operator
    assert events("signed_in")[0].details == {"by": "console"}


def test_nobody_is_led_to_another_site(client, phone):
    client.post("/admin/login/?next=https://evil.test/", SIGN_IN)
    assert give(client, phone.code())["Location"] == "/admin/"


def test_a_wrong_code_is_refused_and_noted(client, operator, phone):
    give_password(client)
    for typed in (phone.wrong(), "", "１２３４５６", "x" * 40, phone.code(-3), phone.code(3)):
        assert give(client, typed).status_code == 200
        assert not is_inside(client)
    assert {event.details["why"] for event in events("factor_refused")} == {"second_factor_rejected"}
    assert "signed_in" not in AuditEvent.objects.values_list("action", flat=True)


def test_a_code_is_taken_once(client, operator, phone):
    code = phone.code()
    inside(client, phone)
    other = Client()
    give_password(other)
    assert "used before" in give(other, code).content.decode()
    assert "used before" in give(other, phone.code(-1)).content.decode(), "nor an earlier one"
    assert not is_inside(other)
    assert give(other, phone.code(1)).status_code == 302


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "paper"])
def test_of_many_calls_with_one_code_one_gets_in(operator, phone, kind, monkeypatch):
    monkeypatch.setitem(MOST_TRIES, "totp", 100)
    typed = phone.code() if kind == "app" else phone.codes[0]
    outcomes = race(lambda _: prove_second_factor(user=operator, typed=typed, caller=HOME), threads=10)
    assert sum(isinstance(outcome, SecondFactor) for outcome in outcomes) == 1
    assert all(isinstance(outcome, SecondFactor | SecondFactorRejected) for outcome in outcomes)


def test_guessing_ends_after_five_tries_and_leaves_the_owner_their_own(client, operator, phone):
    inside(client, phone)  # from 127.0.0.1, which is the owner's network from now on
    stranger = Client(**STRANGER)
    give_password(stranger)
    for _ in range(5):
        assert "not right" in give(stranger, phone.wrong()).content.decode()
    assert "Too many wrong codes" in give(stranger, phone.code(1)).content.decode()
    assert not is_inside(stranger)
    assert events("locked")[0].details["kind"] == "totp"
    assert Lockout.objects.get(kind="totp").is_familiar is False
    inside(Client(), phone, later=1)


def test_an_address_tries_five_codes_a_minute(client, operator, phone, settings):
    give_password(client)
    settings.ENVIRONMENT = "staging"
    for _ in range(4):
        give(client, phone.wrong())
    Lockout.objects.all().delete()
    give(client, phone.wrong())
    assert "Too many requests" in give(client, phone.code()).content.decode()
    assert Lockout.objects.get(kind="totp").tries == 1


def test_a_recovery_code_opens_the_console_once(client, operator, phone):
    operator.email_verified_at = operator.created_at
    operator.save()
    give_password(client)
    spelled = phone.codes[0].upper().replace("-", " ").replace("0", "O").replace("1", "l")
    assert give(client, spelled).status_code == 302
    assert is_inside(client)
    assert events("recovery_code_used")[0].details == {"left": 9}
    assert notices()[-1] == "recovery_code_used"
    other = Client()
    give_password(other)
    assert give(other, phone.codes[0]).status_code == 200
    assert not is_inside(other)


def test_who_has_few_recovery_codes_left_is_told(client, phone):
    RecoveryCode.objects.filter(pk__in=RecoveryCode.objects.order_by("pk").values("pk")[2:]).delete()
    give_password(client)
    page = client.post("/admin/second-factor/", {"code": phone.codes[1]}, follow=True)
    assert "1 recovery code(s) left" in page.content.decode()


def test_recovery_codes_are_made_anew_by_who_gives_a_code(client, operator, phone):
    inside(client, phone)
    assert "10 recovery code(s) are left" in client.get("/admin/second-factor/").content.decode()
    refused = client.post("/admin/second-factor/", {"code": phone.wrong(), "then": "codes"})
    assert shown_codes(refused) == []
    made = shown_codes(client.post("/admin/second-factor/", {"code": phone.code(1), "then": "codes"}))
    assert len(made) == 10
    assert not set(made) & set(phone.codes)
    with pytest.raises(SecondFactorRejected):
        prove_second_factor(user=operator, typed=phone.codes[0], caller=HOME)
    prove_second_factor(user=operator, typed=made[0], caller=HOME)
    assert events("recovery_codes_made")


def test_another_app_takes_the_place_of_the_old_one_and_ends_its_sessions(client, operator, phone):
    elsewhere = inside(Client(), phone, later=-1)
    inside(client, phone)
    assert client.get("/admin/second-factor/set-up/")["Location"] == "/admin/second-factor/", "a code first"
    assert client.post("/admin/second-factor/", {"code": phone.code(1), "then": "app"}).status_code == 302
    page = client.get("/admin/second-factor/set-up/")
    new = App(b32decode(shown_secret(page)))
    assert len(shown_codes(client.post("/admin/second-factor/set-up/", {"code": new.code()}))) == 10
    assert is_inside(client)
    assert not is_inside(elsewhere)
    assert SecondFactor.objects.get().secret == new.secret
    assert [event.details for event in events("factor_added")] == [{"replaced": True}, {"replaced": False}]
    assert client.get("/admin/second-factor/set-up/")["Location"] == "/admin/second-factor/", "once"


def test_of_two_who_know_a_password_the_second_sets_nothing_up(operator):
    first, second = Client(), Client()
    apps = []
    for each in (first, second):
        give_password(each)
        apps.append(App(b32decode(shown_secret(each.get("/admin/second-factor/set-up/")))))
    assert apps[0].secret != apps[1].secret
    first.post("/admin/second-factor/set-up/", {"code": apps[0].code()})
    second.post("/admin/second-factor/set-up/", {"code": apps[1].code()})
    assert SecondFactor.objects.get().secret == apps[0].secret
    assert not is_inside(second)
    with pytest.raises(SecondFactorAlreadySet):
        add_second_factor(user=operator, secret=apps[1].secret, typed=apps[1].code(), caller=HOME)


def test_secrets_at_rest_open_nothing(operator, phone):
    factor = SecondFactor.objects.get()
    row = bytes(factor.sealed_secret)
    assert phone.secret not in row
    assert phone.secret.hex().encode() not in row
    stored = " ".join(RecoveryCode.objects.values_list("digest", flat=True))
    assert not any(code.replace("-", "") in stored for code in phone.codes)


def test_a_new_secret_key_is_said_and_a_recovery_code_leads_to_a_new_app(client, operator, phone, settings):
    settings.SECRET_KEY = "another" * 10
    give_password(client)
    assert "secret key was replaced" in give(client, phone.code()).content.decode()
    assert not is_inside(client)
    assert events("factor_refused")[0].details == {"why": "second_factor_unreadable"}
    assert give(client, phone.codes[0])["Location"] == "/admin/second-factor/set-up/"
    new = App(b32decode(shown_secret(client.get("/admin/second-factor/set-up/"))))
    client.post("/admin/second-factor/set-up/", {"code": new.code()})
    assert SecondFactor.objects.get().secret == new.secret
    assert is_inside(client)


def test_a_new_password_ends_what_was_proved(client, operator, phone):
    inside(client, phone)
    waits = Client()
    give_password(waits)
    change_password(user=operator, password="another long phrase")
    assert not is_inside(client)
    assert give(waits, phone.code(1))["Location"] == "/admin/login/"


def test_ones_own_new_password_asks_for_a_code_again(client, operator, phone):
    inside(client, phone)
    typed = {"old_password": PASSWORD, "new_password1": "another long phrase", "new_password2": "another long phrase"}
    client.post("/admin/password_change/", typed)
    assert not is_inside(client)
    assert give(client, phone.code(1))["Location"] == "/admin/password_change/done/"
    assert is_inside(client)


def test_who_waits_longer_than_ten_minutes_begins_again(client, phone):
    give_password(client)
    with time_machine.travel(time.time() + 601):
        assert give(client, phone.code())["Location"] == "/admin/login/"
        assert client.get("/admin/login/").status_code == 200


def test_who_leaves_begins_at_the_first_door(client, phone):
    give_password(client)
    assert client.get("/admin/second-factor/leave/").status_code == 405
    assert client.post("/admin/second-factor/leave/")["Location"] == "/admin/login/"
    assert give(client, phone.code())["Location"] == "/admin/login/"


@pytest.mark.parametrize("change", [{"is_staff": False}, {"is_active": False}])
def test_who_may_not_enter_any_more_does_not_with_a_code(client, operator, phone, change):
    give_password(client)
    User.objects.filter(pk=operator.pk).update(**change)
    assert give(client, phone.code())["Location"] == "/admin/login/"
    assert not is_inside(client)


def test_a_customer_is_not_even_asked(client, phone):
    User.objects.create_user(email="sara@shop.test", password=PASSWORD)
    assert client.post("/admin/login/", SIGN_IN | {"username": "sara@shop.test"}).status_code == 200
    assert client.get("/admin/second-factor/")["Location"] == "/admin/login/"


def test_a_superuser_removes_a_lost_phone_after_one_more_question(client, operator, phone):
    lost = User.objects.create_user(
        email="lost@shop.test", password=PASSWORD, is_staff=True, email_verified_at=operator.created_at
    )
    lost_app = set_up_for(lost)
    session = Client()
    session.post("/admin/login/", SIGN_IN | {"username": lost.email})
    give(session, lost_app.code(1))
    assert is_inside(session)
    inside(client, phone)
    people = reverse("admin:accounts_user_changelist")
    chosen = {"action": "remove_second_factors", "_selected_action": [str(lost.pk)]}
    assert "lost@shop.test" in client.post(people, chosen).content.decode()
    assert SecondFactor.objects.filter(user=lost).exists(), "only asked"
    client.post(people, chosen | {"confirmed": "yes"})
    assert not SecondFactor.objects.filter(user=lost).exists()
    assert not RecoveryCode.objects.filter(factor__user=lost).exists()
    assert not is_inside(session)
    assert session.get("/admin/second-factor/set-up/")["Location"] == "/admin/login/", "the password first"
    assert events("factor_removed")[0].details == {"operator": operator.pk}
    assert notices()[-1] == "factor_removed"
    shown = client.get(reverse("admin:accounts_user_change", args=[lost.pk])).content.decode()
    assert "Second factor" in shown


def test_a_colleague_removes_nobodys(client, operator, phone):
    colleague = User.objects.create_user(email="new@shop.test", password=PASSWORD, is_staff=True)
    colleague.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    app = set_up_for(colleague)
    client.post("/admin/login/", SIGN_IN | {"username": colleague.email})
    give(client, app.code(1))
    chosen = {"action": "remove_second_factors", "_selected_action": [str(operator.pk)], "confirmed": "yes"}
    client.post(reverse("admin:accounts_user_changelist"), chosen)
    assert SecondFactor.objects.count() == 2


def test_the_last_operator_is_helped_from_the_terminal(operator, phone):
    said = StringIO()
    call_command("forget_second_factor", "Operator@Shop.test", stdout=said)
    call_command("forget_second_factor", "operator@shop.test", stdout=said)
    assert "is removed" in said.getvalue()
    assert "Nothing was changed" in said.getvalue()
    assert not SecondFactor.objects.exists()
    assert [event.details for event in events("factor_removed")] == [{"by": "command"}]
    with pytest.raises(CommandError, match=r"Nobody has the email nobody@shop\.test"):
        call_command("forget_second_factor", "nobody@shop.test")


def test_switched_off_a_password_is_enough_and_that_is_said(client, operator, settings):
    settings.CONSOLE_SECOND_FACTOR = False
    settings.ANONYMOUS_CALLS_PER_MINUTE = 0
    assert give_password(client).status_code == 302
    assert is_inside(client)
    assert client.get("/admin/second-factor/")["Location"] == "/admin/"
    assert client.get("/admin/second-factor/set-up/").status_code == 302
    assert check_console() == [], "development is meant to be so"
    settings.IS_DEVELOPMENT = False
    assert [found.id for found in check_console()] == ["console.W001"]


def test_no_secret_and_no_code_is_in_the_audit_or_in_what_waits(operator, phone):
    with pytest.raises(SecondFactorRejected):
        prove_second_factor(user=operator, typed=phone.wrong(), caller=HOME)
    prove_second_factor(user=operator, typed=phone.codes[0], caller=HOME)
    kept = str(list(AuditEvent.objects.values())) + str(list(OutboxJob.objects.values()))
    assert not any(code in kept for code in phone.codes)
    assert phone.secret.hex() not in kept


def test_tries_are_counted_before_they_are_compared(operator, phone):
    for _ in range(5):
        with pytest.raises(SecondFactorRejected):
            prove_second_factor(user=operator, typed=phone.wrong(), caller=HOME)
    with pytest.raises(SecondFactorLocked) as locked:
        prove_second_factor(user=operator, typed=phone.code(), caller=HOME)
    assert 0 < locked.value.retry_after <= 900
    assert SecondFactor.objects.get().last_step < int(time.time()) // 30

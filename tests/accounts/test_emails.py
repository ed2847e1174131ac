import pytest

from apps.accounts.emails import canonical_email
from apps.accounts.models import User

PASSWORD = "a long enough phrase"


@pytest.mark.parametrize(
    "written", ["sara@gmail.com", " Sara@GMAIL.com ", "sara@ｇmail.com", "sara@gmａil.com", "ｓara＠gmail。com"]
)
def test_one_mailbox_has_one_spelling(written):
    assert canonical_email(written) == "sara@gmail.com"


def test_a_domain_of_another_script_is_kept_as_mail_servers_know_it():
    assert canonical_email("sara@bücher.example") == canonical_email("sara@xn--bcher-kva.example")


@pytest.mark.parametrize(
    "written",
    ["", "sara", "sará@shop.test", "sara\0@shop.test", "sa\x1fra@shop.test", "sara@shop\u0000.test", "sara@\u0378.test",
     "sara@" + "ü" * 300 + ".test", "sara@" + "ﷺ" * 13 + ".test"],
)  # fmt: skip
def test_what_is_no_email_is_refused(written):
    with pytest.raises(ValueError, match="email address"):
        canonical_email(written)


@pytest.mark.django_db
def test_an_email_that_only_looks_different_makes_no_second_account(api):
    User.objects.create_user(email="sara@gmail.com", password=PASSWORD)
    body = {"email": "sara@ｇmail.com", "password": PASSWORD, "password_confirm": PASSWORD, "accept_terms": True}
    assert 400 <= api.send("POST", "/api/auth/register/", body | {"username": "sara"}).status_code < 500
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_people_sign_in_however_they_type_their_email(api):
    User.objects.create_user(email="sara@gmail.com", password=PASSWORD)
    typed = {"email": " Sara@ｇmail.com", "password": PASSWORD}
    assert api.send("POST", "/api/auth/login/", typed).status_code == 200

"""A request that is under way while its account is deleted writes nothing to it any more."""

from io import BytesIO

import pytest
from PIL import Image

from apps.accounts.callers import Caller
from apps.accounts.errors import PasscodeInvalid, TokenRejected
from apps.accounts.models import Address, AuditEvent, Profile, User
from apps.accounts.services import (
    PASSCODE,
    PIN,
    add_address,
    change_address,
    change_own_password,
    change_secret,
    delete_account,
    delete_address,
    set_avatar,
    set_default_address,
    set_preferences,
    set_up_secret,
    start_session,
    update_shopper,
)
from core.errors import InvalidInput
from tests.accounts.test_addresses import HOME
from tests.races import race

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD, PASSCODE_ = "a long enough phrase", "836251"


@pytest.fixture
def layla():
    return User.objects.create_user(email="layla@shop.test", password=PASSWORD)


def beside_leaving(layla, write):
    """What became of five writes begun before the account went, with the deletion in their midst."""
    stale = [User.objects.get(pk=layla.pk) for _ in range(6)]

    def act(number):
        return delete_account(user=layla, caller=Caller()) if number == 0 else write(stale[number])

    return race(act, threads=6)[1:]


def test_an_address_added_while_its_account_goes_does_not_outlive_it(layla):
    outcomes = beside_leaving(layla, lambda user: add_address(user=user, particulars=HOME))
    assert {type(outcome) for outcome in outcomes} <= {Address, TokenRejected}
    assert not Address.objects.exists()


@pytest.mark.parametrize(("kind", "value"), [(PASSCODE, PASSCODE_), (PIN, "8362")])
def test_a_secret_set_up_while_its_account_goes_does_not_outlive_it(layla, kind, value):
    beside_leaving(layla, lambda user: set_up_secret(user=user, kind=kind, value=value, caller=Caller()))
    layla.refresh_from_db()
    assert (layla.passcode, layla.pin) == ("", "")


def test_who_left_meanwhile_writes_nothing_about_themselves(layla):
    stale = User.objects.get(pk=layla.pk)
    delete_account(user=layla, caller=Caller())
    picture = BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    for write in (
        lambda: update_shopper(user=stale, changes={"first_name": "Layla", "bio": "Potter"}),
        lambda: set_preferences(user=stale, changes={"preferred_language": "ar"}),
        lambda: set_avatar(user=stale, picture=picture),
    ):
        picture.seek(0)
        with pytest.raises(TokenRejected):
            write()
    layla.refresh_from_db()
    assert layla.first_name == ""
    assert not Profile.objects.exists()


def test_who_left_meanwhile_writes_no_address(layla):
    home = add_address(user=layla, particulars=HOME)
    stale = User.objects.get(pk=layla.pk)
    delete_account(user=layla, caller=Caller())
    for write in (
        lambda: add_address(user=stale, particulars=HOME),
        lambda: change_address(user=stale, address=home.pk, changes={"city": "Jeddah"}),
        lambda: set_default_address(user=stale, address=home.pk),
        lambda: delete_address(user=stale, address=home.pk),
    ):
        with pytest.raises(TokenRejected):
            write()
    assert not Address.objects.exists()


def test_who_left_meanwhile_sets_and_changes_no_secret(layla):
    session = start_session(user=layla, caller=Caller()).session.pk
    set_up_secret(user=layla, kind=PASSCODE, value=PASSCODE_, caller=Caller())
    stale = User.objects.get(pk=layla.pk)
    delete_account(user=layla, caller=Caller())
    gone, events = User.objects.values().get(pk=layla.pk), AuditEvent.objects.count()
    with pytest.raises(TokenRejected):
        set_up_secret(user=stale, kind=PIN, value="8362", caller=Caller())
    with pytest.raises((TokenRejected, PasscodeInvalid)):
        change_secret(user=stale, kind=PASSCODE, current=PASSCODE_, new="947135", caller=Caller(), keep=session)
    with pytest.raises(InvalidInput):
        change_own_password(user=stale, old=PASSWORD, new="another long phrase", caller=Caller(), keep=session)
    assert User.objects.values().get(pk=layla.pk) == gone
    assert AuditEvent.objects.count() == events

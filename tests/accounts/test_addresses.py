"""S2: a person's addresses, exactly one of them the default."""

import pytest

from apps.accounts.models import Address, User
from apps.accounts.services import add_address, delete_address, set_default_address
from tests.races import race

pytestmark = pytest.mark.django_db
PATH = "/api/auth/addresses/"
HOME = {
    "address_type": "shipping",
    "full_name": "Layla Haddad",
    "phone": "+966512345678",
    "address_line1": "12 Palm Street",
    "city": "Riyadh",
    "state": "Riyadh",
    "country": "SA",
    "postal_code": "11564",
}


@pytest.fixture
def layla():
    return User.objects.create_user(email="layla@shop.test")


@pytest.fixture
def me(sign_in, layla):
    return sign_in(layla)


@pytest.fixture
def strangers():
    stranger = User.objects.create_user(email="stranger@shop.test")
    return add_address(user=stranger, particulars=HOME)


def add(client, **changes):
    return client.send("POST", PATH, HOME | changes)


def defaults(user):
    return list(user.addresses.filter(is_default=True).values_list("city", flat=True))


def test_an_address_is_kept_as_it_was_given(me):
    reply = add(me, full_name="  ليلى 😀 ")
    assert reply.status_code == 201
    body = reply.json()
    assert body == HOME | {
        "full_name": "ليلى 😀",
        "address_line2": "",
        "is_default": True,
        "id": body["id"],
        "created_at": body["created_at"],
    }
    assert me.send("GET", f"{PATH}{body['id']}/").json() == body


def test_the_first_is_the_default_until_another_asks_to_be(me, layla):
    for city, asks in (("Riyadh", False), ("Jeddah", False), ("Dammam", True)):
        add(me, city=city, is_default=asks)
    assert defaults(layla) == ["Dammam"]


def test_the_default_is_listed_first_then_the_newest(me):
    for city in ("Riyadh", "Jeddah", "Dammam"):
        add(me, city=city)
    page = me.send("GET", PATH, None).json()
    assert [row["city"] for row in page["results"]] == ["Riyadh", "Dammam", "Jeddah"]
    assert (page["count"], page["next"]) == (3, None)
    assert me.send("GET", f"{PATH}?page=2&page_size=2").json()["results"][0]["city"] == "Jeddah"


def test_twenty_addresses_are_enough(me, layla):
    replies = [add(me).status_code for _ in range(21)]
    assert replies == [201] * 20 + [400]
    assert layla.addresses.count() == 20


def test_a_patch_changes_what_it_names_and_a_put_all(me):
    path = f"{PATH}{add(me, address_line2='Floor 2').json()['id']}/"
    patched = me.send("PATCH", path, {"city": "Jeddah"}).json()
    assert (patched["city"], patched["address_line2"]) == ("Jeddah", "Floor 2")
    put = me.send("PUT", path, HOME).json()
    assert (put["city"], put["address_line2"], put["is_default"]) == ("Riyadh", "", True)
    assert me.send("PUT", path, {"city": "Jeddah"}).status_code == 400


def test_the_default_moves_and_does_not_vanish(me, layla):
    first, second = (add(me, city=city).json()["id"] for city in ("Riyadh", "Jeddah"))
    assert me.send("PATCH", f"{PATH}{first}/", {"is_default": False}).json()["is_default"] is True
    assert me.send("PATCH", f"{PATH}{second}/", {"is_default": True}).json()["is_default"] is True
    assert defaults(layla) == ["Jeddah"]
    assert me.send("POST", f"{PATH}{first}/set_default/").json()["is_default"] is True
    assert defaults(layla) == ["Riyadh"]


def test_the_newest_follows_a_default_that_is_deleted(me, layla):
    first, _, _ = (add(me, city=city).json()["id"] for city in ("Riyadh", "Jeddah", "Dammam"))
    assert me.send("DELETE", f"{PATH}{first}/").status_code == 204
    assert defaults(layla) == ["Dammam"]
    for row in layla.addresses.all():
        assert me.send("DELETE", f"{PATH}{row.pk}/").status_code == 204
    assert add(me).json()["is_default"] is True


@pytest.mark.parametrize(
    ("method", "action"),
    [("GET", ""), ("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "set_default/")],
)
def test_somebody_elses_address_does_not_exist(me, layla, strangers, method, action):
    add(me, city="Jeddah")
    reply = me.send(method, f"{PATH}{strangers.pk}/{action}", HOME | {"city": "Moved"})
    assert (reply.status_code, reply.json()["code"]) == (404, "address_not_found")
    strangers.refresh_from_db()
    assert (strangers.city, strangers.is_default) == ("Riyadh", True)
    assert defaults(layla) == ["Jeddah"]


@pytest.mark.parametrize("value", ["1", "x", "😀", "%00", "9" * 400, "00000000-0000-0000-0000-000000000000"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_id_that_names_no_address_is_not_found(me, method, value):
    assert me.send(method, f"{PATH}{value}/", {}).status_code in {400, 404}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"address_type": "office"}, "address_type"),
        ({"full_name": " "}, "full_name"),
        ({"full_name": "x" * 151}, "full_name"),
        ({"phone": ""}, "phone"),
        ({"phone": "1" * 21}, "phone"),
        ({"city": None}, "city"),
        ({"country": "x" * 900_000}, "country"),
        ({"postal_code": 11564}, "postal_code"),
        ({"is_default": "perhaps"}, "is_default"),
        ({"address_line1": "a\0b"}, None),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_what_cannot_be_an_address_is_refused(me, layla, method, change, field):
    there = add(me).json()
    path = PATH if method == "POST" else f"{PATH}{there['id']}/"
    reply = me.send(method, path, HOME | change)
    assert reply.status_code == 400
    assert field is None or list(reply.json()["errors"]) == [field]
    assert me.send("GET", f"{PATH}{there['id']}/").json() == there
    assert layla.addresses.count() == 1


def test_neither_id_nor_owner_can_be_chosen(me, layla, strangers):
    add(me, id=str(strangers.pk), user=strangers.user_id, user_id=strangers.user_id)
    assert layla.addresses.count() == 1
    assert strangers.user.addresses.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_defaults_set_at_once_exactly_one_stays():
    user = User.objects.create_user(email="layla@shop.test")
    rows = [add_address(user=user, particulars=HOME) for _ in range(8)]
    outcomes = race(lambda number: set_default_address(user=user, address=rows[number].pk), threads=8)
    assert all(isinstance(outcome, Address) for outcome in outcomes)
    assert Address.objects.filter(is_default=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_addresses_added_at_once_are_at_most_twenty_with_one_default():
    user = User.objects.create_user(email="layla@shop.test")
    outcomes = race(lambda _: add_address(user=user, particulars=HOME | {"is_default": True}), threads=25)
    assert sum(isinstance(outcome, Address) for outcome in outcomes) == 20
    assert Address.objects.count() == 20
    assert Address.objects.filter(is_default=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_default_deleted_while_others_become_it_leaves_one():
    user = User.objects.create_user(email="layla@shop.test")
    rows = [add_address(user=user, particulars=HOME) for _ in range(6)]

    def act(number):
        change = delete_address if number % 2 else set_default_address
        return change(user=user, address=rows[number].pk)

    assert not [outcome for outcome in race(act, threads=6) if isinstance(outcome, Exception)]
    assert Address.objects.count() == 3
    assert Address.objects.filter(is_default=True).count() == 1

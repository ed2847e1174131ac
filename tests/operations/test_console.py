"""Every page of the console opens, for a row of every kind, and only for staff."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db.models import ProtectedError
from django.urls import reverse

from apps.accounts import services
from apps.accounts.callers import Caller
from apps.accounts.models import AuditEvent, CodeSend, Company, Invitation, Lockout, Membership, Session, User
from apps.campaigns.models import Campaign
from apps.operations.console import _order_figures, _payment_figures
from apps.operations.services.seeding import seed_demo
from apps.orders.models import Order
from apps.orders.services import cancel_order
from apps.payments.models import Payment, Refund
from apps.products.models import Product, StockItem, StockMovement
from core.clock import now
from tests.conftest import Api
from tests.factories.products import ProductFactory, VariantFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    seed_demo()


@pytest.fixture
def staff(client, operator):
    client.force_login(operator)
    return client


def place(model, page):
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"


def test_each_list_and_a_row_of_each_opens(shop, staff):
    for model in admin.site._registry:
        assert staff.get(reverse(place(model, "changelist"))).status_code == 200, model
        if row := model.objects.first():
            assert staff.get(reverse(place(model, "change"), args=[row.pk])).status_code == 200, model


def test_each_list_can_be_searched(shop, staff):
    for model, page in admin.site._registry.items():
        if page.search_fields:
            assert staff.get(reverse(place(model, "changelist")), {"q": "layla"}).status_code == 200


def test_a_list_of_thirty_products_takes_few_queries(shop, staff, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        staff.get(reverse("admin:products_product_changelist"))


def test_the_front_page_shows_what_needs_a_hand(shop, staff):
    page = staff.get("/admin/").content.decode()
    assert "Waiting for payment" in page
    assert Order.objects.latest("created_at").number in page


def test_customers_do_not_get_in(shop, client):
    client.force_login(User.objects.get(phone="+966500000001"))
    assert client.get("/admin/").status_code == 302
    assert client.get(reverse("admin:orders_order_changelist")).status_code == 302


def test_an_order_is_marked_paid_and_cancelled_from_the_list(shop, staff):
    waiting = Order.objects.get(status="pending")
    for action, status in (("mark_paid", "processing"), ("cancel", "cancelled")):
        staff.post(reverse("admin:orders_order_changelist"), {"action": action, "_selected_action": [str(waiting.pk)]})
        waiting.refresh_from_db()
        assert waiting.status == status
    refused = staff.post(
        reverse("admin:orders_order_changelist"),
        {"action": "mark_paid", "_selected_action": [str(waiting.pk)]},
        follow=True,
    )
    assert "past the point" in refused.content.decode()
    assert not StockItem.objects.filter(product__orderline__order=waiting).exclude(reserved=0).exists()


def test_balances_and_ledger_cannot_be_typed_in(shop, staff):
    item = StockItem.objects.first()
    staff.post(reverse("admin:products_stockitem_change", args=[item.pk]), {"on_hand": 999})
    item.refresh_from_db()
    assert item.on_hand != 999
    line = item.movements.first()
    assert staff.post(reverse("admin:products_stockmovement_change", args=[line.pk]), {}).status_code == 403
    assert staff.post(reverse("admin:products_stockmovement_delete", args=[line.pk])).status_code == 403
    assert staff.get(reverse("admin:orders_order_add")).status_code == 403


def test_goods_are_received_through_the_ledger(staff, db):
    mug, shirt = ProductFactory(name="Mug"), ProductFactory(name="Shirt")
    small = VariantFactory(product=shirt)
    add = reverse("admin:products_stockmovement_add")
    for product, variant in ((mug, ""), (shirt, small.pk)):
        delivery = {"product": product.pk, "variant": variant, "quantity": 7, "reference": "Delivery 12"}
        assert staff.post(add, delivery).status_code == 302
    assert [item.on_hand for item in StockItem.objects.all()] == [7, 7]
    refused = staff.post(add, {"product": shirt.pk, "variant": "", "quantity": 7, "reference": "x"})
    assert "stocked by variant" in refused.content.decode()
    assert StockMovement.objects.count() == 2


def test_stock_and_its_ledger_outlive_any_deletion(shop, staff):
    shirt = Product.objects.get(sku="TEX-005")
    before = StockMovement.objects.count()
    with pytest.raises(ProtectedError):
        shirt.variants.first().delete()
    assert staff.post(reverse("admin:products_product_delete", args=[shirt.pk]), {"post": "yes"}).status_code in {
        200,
        403,
    }
    assert StockMovement.objects.count() == before
    assert Product.objects.filter(pk=shirt.pk).exists()


def test_an_order_page_takes_the_same_queries_however_many_lines(shop, staff, django_assert_max_num_queries):
    order = Order.objects.get(total=8415)
    assert order.items.count() == 3
    with django_assert_max_num_queries(12):
        staff.get(reverse("admin:orders_order_change", args=[order.pk]))


def test_a_colleague_without_permissions_learns_nothing_on_the_front_page(shop, client):
    colleague = User.objects.create_user(email="new@shop.test", password="a long enough phrase", is_staff=True)
    client.force_login(colleague)
    page = client.get("/admin/").content.decode()
    assert "Paid in seven days" not in page
    assert Order.objects.first().number not in page


def test_a_group_gives_a_colleague_their_part(shop, client):
    colleague = User.objects.create_user(email="new@shop.test", password="a long enough phrase", is_staff=True)
    colleague.groups.add(Group.objects.create(name="Orders"))
    colleague.groups.get().permissions.add(Permission.objects.get(codename="view_order"))
    client.force_login(colleague)
    page = client.get("/admin/").content.decode()
    assert "Waiting for payment" in page
    assert "Campaigns with a flag" not in page


def test_disputes_and_refunds_to_decide_are_counted(shop):
    order = Order.objects.filter(payment_status="paid").first()
    payment = Payment.objects.create(
        order=order, user=order.user, attempt=1, gateway="sandbox", intent="pi_1", amount=order.total,
        currency="USD", status="succeeded", dispute="open", charged_at=now(), checked_at=now(),
    )  # fmt: skip
    Refund.objects.create(payment=payment, amount=1, reason="other")
    figures = {figure["title"]: figure["value"] for figure in _payment_figures()}
    assert figures == {"Refunds to decide": 1, "Disputes": 1}


def test_what_is_owed_is_counted_and_not_taken_for_turnover(shop):
    paid = Order.objects.filter(payment_status="paid").first()
    before = {figure["title"]: figure["value"] for figure in _order_figures()}
    cancel_order(order_id=paid.pk, actor=None)
    after = {figure["title"]: figure["value"] for figure in _order_figures()}
    assert (before["Refunds due"], after["Refunds due"]) == (0, 1)
    assert before["Paid in seven days"] != after["Paid in seven days"]


SIGN_IN = {"username": "Operator@Shop.Test", "password": "a long enough phrase"}


def test_the_console_takes_an_email_in_any_letter_case(client, operator):
    assert client.post("/admin/login/", SIGN_IN).status_code == 302


def test_the_consoles_door_has_the_limits_of_the_api(client, operator):
    for _ in range(10):
        client.post("/admin/login/", SIGN_IN | {"password": "wrong"})
    shut = client.post("/admin/login/", SIGN_IN)
    assert shut.status_code == 200
    assert "Too many" in shut.content.decode()


def test_a_password_set_in_the_console_ends_the_persons_sessions(client, operator, sign_in):
    person = User.objects.create_user(email="Sara@Shop.Test", password="the first phrase of it")
    phone = sign_in(person)
    client.force_login(operator)
    typed = {"password1": "another long phrase", "password2": "another long phrase", "usable_password": "true"}
    assert client.post(reverse("admin:auth_user_password_change", args=[person.pk]), typed).status_code == 302
    assert phone.send("GET", "/api/accounts/me/").status_code == 401
    body = {"email": "SARA@shop.test", "password": "another long phrase"}
    assert Api().send("POST", "/api/auth/login/", body).status_code == 200


def test_ones_own_new_password_ends_ones_other_sessions(client, operator, sign_in):
    phone = sign_in(operator)
    client.force_login(operator)
    new = "another long phrase"
    typed = {"old_password": "a long enough phrase", "new_password1": new, "new_password2": new}
    assert client.post(reverse("admin:password_change"), typed).status_code == 302
    assert phone.send("GET", "/api/accounts/me/").status_code == 401


def test_a_phone_typed_in_the_console_is_canonical_and_not_verified(client, operator):
    person = User.objects.create_user(phone="+966512345678", phone_verified_at=now())
    client.force_login(operator)
    page = reverse("admin:accounts_user_change", args=[person.pk])
    typed = {"phone": "00966 50 000 0009", "role_state": "client", "is_active": "on"}
    assert client.post(page, typed).status_code == 302
    person.refresh_from_db()
    assert (person.phone, person.phone_verified_at) == ("+966500000009", None)
    assert "country code" in client.post(page, typed | {"phone": "hello"}).content.decode()


@pytest.mark.parametrize("page", ["/admin", "/inbox", "/api/docs", "/api/schema"])
def test_pages_people_type_lead_on_without_the_slash(client, page):
    assert client.get(page)["Location"] == f"{page}/"


CODE_SENDS = "admin:accounts_codesend_changelist"


def colleague_who_may(client, *codenames):
    """Signs in somebody with these permissions and no others."""
    colleague = User.objects.create_user(email="new@shop.test", password="a long enough phrase", is_staff=True)
    colleague.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(colleague)
    return client


@pytest.fixture
def records(operator):
    """One row of everything the console shows of the door."""
    company = Company.objects.create(name="Acme")
    Membership.objects.create(user=operator, company=company, role="owner")
    services.invite(user=operator, email="bob@acme.test", role="viewer", caller=Caller("203.0.113.9"))
    services.send_code(recipient="+966512345678", purpose="sign_in", caller=Caller("203.0.113.9"))
    for _ in range(11):
        Api().send("POST", "/api/auth/login/", {"email": "operator@shop.test", "password": "wrong"})
    return company


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("model", [Company, Invitation, AuditEvent, CodeSend, Lockout])
def test_what_happened_at_the_door_is_shown(staff, model):
    row = model.objects.first()
    assert str(staff.get(reverse(place(model, "changelist"))).context["cl"].result_count) != "0"
    assert staff.get(reverse(place(model, "change"), args=[row.pk])).status_code == 200


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("model", [Invitation, AuditEvent, CodeSend])
def test_records_are_read_and_not_written(staff, model):
    row = model.objects.first()
    assert staff.get(reverse(place(model, "add"))).status_code == 403
    assert staff.post(reverse(place(model, "change"), args=[row.pk]), {}).status_code == 403
    assert staff.post(reverse(place(model, "delete"), args=[row.pk]), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


def test_links_and_signing_keys_are_not_shown(db):
    assert not {"link", "signingkey", "guess", "code"} & {model._meta.model_name for model in admin.site._registry}


@pytest.mark.usefixtures("records")
def test_whole_recipients_are_for_superusers(staff, client):
    send = CodeSend.objects.get()
    pages = [reverse(CODE_SENDS), reverse(place(CodeSend, "change"), args=[send.pk])]
    assert all("+966512345678" in staff.get(page).content.decode() for page in pages)
    colleague = colleague_who_may(client, "view_codesend")
    for page in pages:
        shown = colleague.get(page).content.decode()
        assert "512345678" not in shown
        assert "203.0.113.9" not in shown
        assert "+966•••78" in shown
    for query in ({"q": "+966512345678"}, {"recipient": "+966512345678"}, {"code__recipient__startswith": "+96651"}):
        reply = colleague.get(reverse(CODE_SENDS), query)
        assert reply.status_code == 400 or reply.context["cl"].result_count == 0, query


@pytest.mark.usefixtures("records")
def test_the_audit_is_found_by_subject_address_and_person(staff):
    page = reverse("admin:accounts_auditevent_changelist")
    counts = [
        staff.get(page, query).context["cl"].result_count
        for query in ({"q": "bob@acme.test"}, {"q": "203.0.113.9"}, {"action__exact": "locked"}, {"q": "nobody"})
    ]
    assert counts == [1, 2, 1, 0]


@pytest.mark.usefixtures("records")
def test_somebody_locked_out_is_found_by_email_and_let_in_by_deleting_the_row(staff):
    page = reverse("admin:accounts_lockout_changelist")
    found = staff.get(page, {"q": " Operator@Shop.Test "}).context["cl"].queryset
    assert staff.get(page, {"q": "nobody@shop.test"}).context["cl"].result_count == 0
    body = {"email": "operator@shop.test", "password": "a long enough phrase"}
    assert Api().send("POST", "/api/auth/login/", body).status_code == 429
    assert staff.post(reverse(place(Lockout, "delete"), args=[found.get().pk]), {"post": "yes"}).status_code == 302
    assert Api().send("POST", "/api/auth/login/", body).status_code == 200


def test_sessions_are_ended_from_the_list_at_once(staff, sign_in):
    person = User.objects.create_user(email="sara@shop.test")
    phone = sign_in(person)
    page = reverse("admin:accounts_session_changelist")
    chosen = [str(session.pk) for session in Session.objects.all()]
    for _ in range(2):
        staff.post(page, {"action": "end_these", "_selected_action": chosen})
    assert phone.send("GET", "/api/accounts/me/").status_code == 401
    assert Session.objects.get().end_reason == "revoked"
    assert AuditEvent.objects.get(action="session_ended").user == person


def test_who_may_only_look_at_sessions_ends_none(client, sign_in):
    phone = sign_in(User.objects.create_user(email="sara@shop.test"))
    colleague = colleague_who_may(client, "view_session")
    chosen = [str(session.pk) for session in Session.objects.all()]
    colleague.post(reverse("admin:accounts_session_changelist"), {"action": "end_these", "_selected_action": chosen})
    assert phone.send("GET", "/api/accounts/me/").status_code == 200


def test_a_companys_members_are_kept_in_the_console(staff, records):
    person = User.objects.create_user(email="sara@shop.test")
    page = reverse("admin:accounts_company_change", args=[records.pk])
    rows = {"memberships-TOTAL_FORMS": 2, "memberships-INITIAL_FORMS": 1}
    owner = records.memberships.get()
    for number, (pk, user, role) in enumerate([(owner.pk, owner.user_id, "owner"), ("", person.pk, "admin")]):
        rows |= {f"memberships-{number}-{key}": value for key, value in (("id", pk), ("user", user), ("role", role))}
        rows[f"memberships-{number}-company"] = records.pk
    assert staff.post(page, {"name": "Acme Media"} | rows).status_code == 302
    assert list(records.memberships.order_by("pk").values_list("role", flat=True)) == ["owner", "admin"]


def test_campaigns_are_listed_by_company(shop, staff):
    acme = Company.objects.create(name="Acme")
    Campaign.objects.filter(name="metro_otono").update(company=acme)
    page = reverse("admin:campaigns_campaign_changelist")
    assert staff.get(page, {"company__id__exact": acme.pk}).context["cl"].result_count == 1
    shown = staff.get(reverse("admin:campaigns_campaign_change", args=[Campaign.objects.get(company=acme).pk]))
    assert "Acme" in shown.content.decode()

"""Money back: asked for, sent, refused; never more than came."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail

from apps.accounts.models import User
from apps.orders.models import Order
from apps.orders.services import cancel_order, ship_order
from apps.payments import services
from apps.payments.errors import GatewayFailed, NotRefundable, RefundSettled
from apps.payments.models import Payment, Refund, SandboxIntent
from apps.payments.sandbox_gateway import SandboxGateway
from apps.payments.tasks import reconcile
from core.clock import now
from core.models import OutboxJob
from tests.balances import stock
from tests.factories.products import ProductFactory
from tests.payments.conftest import DISPUTED, NO_REFUNDS, Buyer, charged, state, work
from tests.races import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def mug():
    return ProductFactory(stock=5, price=6000)


@pytest.fixture
def paid(buyer, mug):
    order = buyer.order(mug)
    buyer.pay(order)
    work()
    return order


@pytest.fixture
def staff(operator):
    return Buyer.of(operator)


def ask(buyer, payment, **body):
    return buyer.api.send("POST", "/api/payments/refunds/request_refund/", {"payment_id": str(payment.pk), **body})


def process(staff, refund):
    return staff.api.send("POST", f"/api/payments/refunds/{refund}/process/")


def test_a_refund_is_asked_for_processed_and_sent(buyer, paid, staff):
    payment = Payment.objects.get()
    asked = ask(buyer, payment, amount="20.00", reason="product_issue", description="Chipped")
    assert (asked.status_code, asked.json()["status"], asked.json()["amount"]) == (201, "pending", "20.00")
    assert charged(paid) == paid.total
    assert process(staff, asked.json()["id"]).json()["status"] == "processing"
    work()
    assert charged(paid) == paid.total - 2000
    assert state(paid) == (("processing", "paid"), [("succeeded", 2000)])
    assert buyer.api.get("/api/payments/refunds/").json()["results"][0]["status"] == "succeeded"


def test_a_whole_refund_before_shipping_gives_the_goods_up(buyer, paid, staff, mug):
    services.refund_payment(
        payment_id=Payment.objects.get().pk, amount=None, reason="other", why="Sold out", actor=staff.user
    )
    work()
    assert state(paid) == (("refunded", "refunded"), [("refunded", paid.total)])
    assert stock(mug) == (5, 0, 0)
    assert charged(paid) == 0


def test_a_whole_refund_after_shipping_leaves_the_stock_alone(paid, staff, mug):
    ship_order(order_id=paid.pk, actor=staff.user)
    services.refund_payment(
        payment_id=Payment.objects.get().pk, amount=None, reason="other", why="Late", actor=staff.user
    )
    work()
    assert state(paid)[0] == ("refunded", "refunded")
    assert stock(mug) == (4, 0, 0)


def test_a_cancelled_paid_order_is_paid_back_by_itself(buyer, paid, mug):
    ask(buyer, Payment.objects.get(), amount="5.00")
    cancel_order(order_id=paid.pk, actor=buyer.user)
    work()
    assert state(paid) == (("cancelled", "refunded"), [("refunded", paid.total)])
    assert charged(paid) == 0
    assert stock(mug) == (5, 0, 0)
    assert sorted(Refund.objects.values_list("status", flat=True)) == ["cancelled", "succeeded"]


@pytest.mark.parametrize("amount", ["66.01", "1000000", "0", "-1", "0.001", "1e9", "twenty"])
def test_no_more_than_came_can_be_asked_for(buyer, paid, amount):
    reply = ask(buyer, Payment.objects.get(), amount=amount)
    assert reply.status_code in {400, 409}
    assert not Refund.objects.exists()


def test_a_request_that_waits_counts_as_gone_and_is_the_only_one(buyer, paid, operator):
    payment = Payment.objects.get()
    assert ask(buyer, payment, amount="50.00").status_code == 201
    second = ask(buyer, payment, amount="1.00")
    assert (second.status_code, second.json()["code"]) == (409, "refund_pending")
    with pytest.raises(NotRefundable) as refused:  # 16.00 are left of 66.00
        services.refund_payment(payment_id=payment.pk, amount=1601, reason="other", why="Sorry", actor=operator)
    assert refused.value.details["remaining"] == "16.00"
    assert Refund.objects.count() == 1


def test_a_refund_is_processed_once(buyer, paid, staff):
    refund = ask(buyer, Payment.objects.get(), amount="5.00").json()["id"]
    process(staff, refund)
    again = process(staff, refund)
    assert (again.status_code, again.json()["code"]) == (409, "refund_settled")
    work()
    assert charged(paid) == paid.total - 500


def test_customers_process_nothing_and_strangers_see_nothing(buyer, paid):
    refund = ask(buyer, Payment.objects.get(), amount="5.00").json()["id"]
    stranger = Buyer("+966512345679")
    assert process(buyer, refund).status_code == 403
    assert stranger.api.get(f"/api/payments/refunds/{refund}/").status_code == 404
    assert ask(stranger, Payment.objects.get(), amount="1.00").status_code == 404
    work()
    assert charged(paid) == paid.total
    assert Refund.objects.count() == 1


def test_a_refund_of_nothing_known_is_404(staff):
    assert process(staff, uuid4()).status_code == 404
    assert process(staff, "nonsense").status_code == 404


def test_what_was_not_charged_cannot_be_refunded(buyer):
    buyer.begin(buyer.order())
    reply = ask(buyer, Payment.objects.get())
    assert (reply.status_code, reply.json()["code"]) == (409, "not_refundable")


def test_a_declined_request_frees_its_amount(buyer, paid, staff):
    refund = ask(buyer, Payment.objects.get()).json()["id"]
    services.decline_refund(refund_id=refund, actor=staff.user)
    assert ask(buyer, Payment.objects.get()).status_code == 201
    with pytest.raises(RefundSettled):
        services.decline_refund(refund_id=refund, actor=staff.user)


def test_a_refund_the_gateway_cannot_make_is_told_to_staff(buyer, operator):
    order = buyer.order()
    buyer.pay(order, NO_REFUNDS)
    work()
    services.refund_payment(
        payment_id=Payment.objects.get().pk, amount=None, reason="other", why="Sold out", actor=operator
    )
    work()
    assert Refund.objects.get().status == "failed"
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])
    assert [message.to for message in mail.outbox] == [[operator.email]]
    assert order.number in mail.outbox[0].subject


def test_a_refund_is_sent_once_however_often_its_job_runs(buyer, paid, operator, monkeypatch):
    refund = services.refund_payment(
        payment_id=Payment.objects.get().pk, amount=500, reason="other", why="Sorry", actor=operator
    )
    real = SandboxGateway.send_back

    def lost_answer(self, *args, **kwargs):
        real(self, *args, **kwargs)
        raise GatewayFailed

    with monkeypatch.context() as patched:
        patched.setattr(SandboxGateway, "send_back", lost_answer)
        with pytest.raises(GatewayFailed):
            services.send_refund(refund_id=refund.pk)
    assert Refund.objects.get().status == "processing"
    services.send_refund(refund_id=refund.pk)
    services.send_refund(refund_id=refund.pk)
    assert Refund.objects.get().status == "succeeded"
    assert charged(paid) == paid.total - 500


def test_a_disputed_order_counts_as_unpaid_until_the_dispute_is_won(buyer, operator):
    order = buyer.order()
    buyer.pay(order, DISPUTED)
    work()
    assert state(order)[0] == ("processing", "pending")
    assert "The payment is disputed." in mail.outbox[0].body
    with pytest.raises(Exception, match="past the point"):
        ship_order(order_id=order.pk, actor=operator)
    assert Order.objects.get().status == "processing"
    _dispute_ends("won")
    assert state(order)[0] == ("processing", "paid")
    ship_order(order_id=order.pk, actor=operator)


def test_a_dispute_whose_end_nobody_told_us_of_is_noticed_in_the_night(buyer):
    order = buyer.order()
    buyer.pay(order, DISPUTED)
    work()
    SandboxIntent.objects.update(dispute="won", created_at=now() - timedelta(days=70))
    reconcile()
    work()
    assert state(order)[0] == ("processing", "paid")


def test_a_lost_dispute_gives_the_goods_up(buyer, mug):
    order = buyer.order(mug)
    buyer.pay(order, DISPUTED)
    work()
    _dispute_ends("lost")
    assert state(order)[0] == ("refunded", "refunded")
    assert stock(mug) == (5, 0, 0)


def test_a_dispute_won_on_an_order_cancelled_meanwhile_pays_the_money_back(buyer, mug):
    order = buyer.order(mug)
    buyer.pay(order, DISPUTED)
    work()
    cancel_order(order_id=order.pk, actor=buyer.user)
    work()
    assert charged(order) == order.total  # what is disputed is not paid back as well
    _dispute_ends("won")
    work()
    assert state(order) == (("cancelled", "refunded"), [("refunded", order.total)])
    assert charged(order) == 0
    assert stock(mug) == (5, 0, 0)


def test_a_lost_dispute_cannot_be_refunded_as_well(buyer):
    order = buyer.order()
    buyer.pay(order, DISPUTED)
    work()
    _dispute_ends("lost")
    reply = ask(buyer, Payment.objects.get())
    assert (reply.status_code, reply.json()["code"]) == (409, "not_refundable")
    moves = Payment.objects.get().transactions.values_list("kind", "amount")
    assert list(moves) == [("charge", order.total), ("refund", order.total)]


def test_an_older_word_of_a_dispute_or_refund_does_not_undo_a_newer_one(buyer, operator):
    order = buyer.order()
    intent = buyer.pay(order, DISPUTED)
    work()
    _dispute_ends("won")
    services.refund_payment(
        payment_id=Payment.objects.get().pk, amount=500, reason="other", why="Sorry", actor=operator
    )
    work()
    for _ in range(2):
        services.look_at_payment(till=SandboxGateway(), intent=intent)
    assert state(order) == (("processing", "paid"), [("succeeded", 500)])


def test_a_shop_whose_key_is_wrong_for_a_while_pays_back_later(buyer, paid, monkeypatch):
    cancel_order(order_id=paid.pk, actor=buyer.user)

    def wrong_key(self, *args, **kwargs):
        raise GatewayFailed

    with monkeypatch.context() as patched:
        patched.setattr(SandboxGateway, "send_back", wrong_key)
        work()
    assert Refund.objects.get().status == "processing"
    OutboxJob.objects.update(due_at=now())
    work()
    assert state(paid) == (("cancelled", "refunded"), [("refunded", paid.total)])


def test_a_refund_the_bank_sends_back_later_is_told_and_undone(buyer, paid, operator):
    services.refund_payment(
        payment_id=Payment.objects.get().pk, amount=500, reason="other", why="Sorry", actor=operator
    )
    work()
    row = SandboxIntent.objects.get()
    row.refunds[0]["status"], row.refunded = "failed", 0
    row.save()
    services.check_payment(payment_id=Payment.objects.get().pk)
    work()
    assert Refund.objects.get().status == "failed"
    assert state(paid) == (("processing", "paid"), [("succeeded", 0)])
    kinds = Payment.objects.get().transactions.values_list("kind", flat=True)
    assert list(kinds) == ["charge", "refund", "void"]
    assert "A refund failed" in mail.outbox[0].body


def _dispute_ends(how):
    SandboxIntent.objects.update(dispute=how)
    services.check_payment(payment_id=Payment.objects.get().pk)


@pytest.mark.django_db(transaction=True)
def test_many_refunds_at_once_give_back_no_more_than_came():
    buyer = Buyer()
    order = buyer.order(ProductFactory(stock=1, price=6000))
    buyer.pay(order)
    work()
    payment, admin = (
        Payment.objects.get(),
        User.objects.create_superuser(email="op@shop.test", password="a long phrase"),
    )

    def refund(number):
        return services.refund_payment(payment_id=payment.pk, amount=3000, reason="other", why="Race", actor=admin)

    outcomes = race(refund, threads=20)
    assert sum(isinstance(outcome, Refund) for outcome in outcomes) == 2  # of 66.00
    assert {type(outcome) for outcome in outcomes} == {Refund, NotRefundable}
    work()
    assert charged(order) == order.total - 6000
    assert not OutboxJob.objects.filter(name="payments.send_refund").exists()

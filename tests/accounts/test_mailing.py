import logging
import re
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
import time_machine
from aiosmtpd.controller import Controller
from django.core.mail import BadHeaderError

from apps.accounts.callers import Caller
from apps.accounts.errors import MailNotSent, NumberCannotReceive, TextNotSent
from apps.accounts.mails import MailRefused, compose, require_mail
from apps.accounts.models import AuditEvent, Code, CodeSend, Company, DevelopmentMessage, Invitation, Link, User
from apps.accounts.services import mailing, send_code
from apps.accounts.services.codes import spend
from apps.accounts.services.links import make_link, token_of, use_link
from apps.accounts.services.mailing import Notice, harmless, mail_link, notify
from core.clock import now
from core.models import OutboxJob
from core.outbox import run_due_jobs
from tests.parties import free_port

EMAIL = "noor@shop.test"
pytestmark = pytest.mark.django_db


class PostOffice:
    """A real SMTP server's mind: keeps what it takes, and says what a test told it to."""

    def __init__(self):
        self.taken, self.recipient_reply, self.reply = [], "250 OK", "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802  # aiosmtpd's name
        if self.recipient_reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_reply

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  # aiosmtpd's name
        if self.reply.startswith("250"):
            self.taken.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return self.reply


@pytest.fixture
def office(settings):
    """A mail server on this machine, named in the settings."""
    logging.getLogger("mail.log").propagate = False  # what the server itself writes about its callers
    mind = PostOffice()
    controller = Controller(mind, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = False, False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.DEFAULT_FROM_EMAIL = "Hanout <hello@shop.test>"
    mind.stop = controller.stop
    yield mind
    if controller.server:
        controller.stop()


@pytest.fixture
def noor(db):
    return User.objects.create_user(email=EMAIL, email_verified_at=now(), first_name="Noor", phone="+966500000001")


def ask(purpose="register", email=EMAIL):
    return send_code(recipient=email, purpose=purpose, caller=Caller("203.0.113.9")).digits


def texts_of(mail):
    return mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()


def job():
    return OutboxJob.objects.get()


@pytest.mark.parametrize(("purpose", "says"), [("register", "finish signing up"), ("reset", "choose a new password")])
def test_a_code_arrives_in_plain_text_and_html(office, purpose, says):
    if purpose == "reset":
        User.objects.create_user(email=EMAIL)
    digits = ask(purpose)
    assert office.taken == []  # it leaves through the table of jobs, once the request has been answered
    assert job().queue == "email"
    run_due_jobs()
    ((recipients, mail),) = office.taken
    assert (recipients, mail["To"], mail["Subject"]) == ([EMAIL], EMAIL, "Your Hanout code")
    assert (mail["From"], mail["Auto-Submitted"]) == ("Hanout <hello@shop.test>", "auto-generated")
    for text in texts_of(mail):
        assert digits in text
        assert says in text
        assert "10 minutes" in text
    assert digits not in mail["Subject"]
    assert CodeSend.objects.get().state == "sent"
    assert AuditEvent.objects.get().action == "code_sent"
    assert not OutboxJob.objects.exists()


def test_no_secret_stands_in_the_table_of_jobs(office, noor):
    digits = ask()
    link = make_link(purpose=Link.Purpose.RESET_PASSWORD, email=EMAIL, user=noor)
    mail_link(link)
    notify(noor, Notice.PASSWORD_CHANGED)
    kept = str(list(OutboxJob.objects.values_list("payload", flat=True)))
    assert OutboxJob.objects.count() == 3
    assert digits not in kept
    assert token_of(link) not in kept


@pytest.mark.parametrize("meanwhile", ["used", "expired", "key changed"])
def test_a_code_that_opens_nothing_any_more_is_not_mailed(office, settings, meanwhile):
    ask()
    if meanwhile == "used":
        spend(Code.objects.get())
    if meanwhile == "key changed":
        settings.SECRET_KEY = "another key than the one the code was sealed with"
    with time_machine.travel(now() + timedelta(minutes=11 if meanwhile == "expired" else 0)):
        run_due_jobs()
    assert office.taken == []
    assert not OutboxJob.objects.exists()
    assert CodeSend.objects.get().state == "failed"


def test_an_address_the_server_will_never_take_is_given_up_at_once(office, written):
    digits = ask()
    office.recipient_reply = f"550 No such user {EMAIL}"
    run_due_jobs()
    send = CodeSend.objects.get()
    assert (send.state, send.error) == ("failed", "smtp 550")
    assert [event.action for event in AuditEvent.objects.all()] == ["code_not_sent"]
    assert not OutboxJob.objects.exists()
    for secret in (digits, EMAIL):
        assert secret not in written()
    ask()  # what never left counts against nothing


def test_a_mail_whose_content_is_refused_for_good_is_given_up(office):
    ask()
    office.reply = "554 no"
    run_due_jobs()
    assert CodeSend.objects.get().error == "smtp 554"


@pytest.mark.parametrize("trouble", ["recipient", "content", "gone"])
def test_a_server_in_passing_trouble_is_tried_again(office, trouble, written):
    digits = ask()
    if trouble == "recipient":
        office.recipient_reply = f"451 later, {EMAIL}"
    if trouble == "content":
        office.reply = f"452 full, {EMAIL}"
    if trouble == "gone":
        office.stop()
    run_due_jobs()
    assert (job().attempts, job().state, CodeSend.objects.get().state) == (1, "waiting", "queued")
    for secret in (digits, EMAIL):
        assert secret not in written() + job().last_error
    assert not AuditEvent.objects.exists()


def test_a_mail_put_off_arrives_once(office):
    ask()
    office.reply = "451 later"
    run_due_jobs()
    office.reply = "250 OK"
    with time_machine.travel(now() + timedelta(seconds=30)):
        run_due_jobs()
        run_due_jobs()
    assert len(office.taken) == 1
    assert CodeSend.objects.get().state == "sent"


@pytest.mark.parametrize(
    ("purpose", "leads_to", "subject"),
    [
        ("verify_email", "https://shop.test/activate/?t=", "Confirm your email address"),
        ("reset_password", "https://shop.test/reset-password?token=", "Choose a new password"),
    ],
)
def test_a_link_arrives_and_opens_what_it_is_for(office, settings, noor, purpose, leads_to, subject):
    settings.FRONTEND_URL, settings.ACTIVATION_URL = "https://shop.test", "https://shop.test/activate/?t="
    link = make_link(purpose=Link.Purpose(purpose), email=EMAIL, user=noor)
    mail_link(link)
    run_due_jobs()
    ((_, mail),) = office.taken
    assert mail["Subject"] == subject
    for text in texts_of(mail):
        token = re.search(re.escape(leads_to) + r"([\w-]+)", text)[1]
        assert "Noor" not in text  # whoever typed a name into a form does not speak through our mails
    assert use_link(token=token, purpose=purpose) == link


def test_a_spent_or_forgotten_link_is_not_mailed(office, noor):
    spent, gone = (make_link(purpose=Link.Purpose.RESET_PASSWORD, email=EMAIL, user=noor) for _ in range(2))
    mail_link(spent)
    mail_link(gone)
    use_link(token=token_of(spent), purpose=spent.purpose)
    gone.delete()
    assert run_due_jobs() == 2
    assert office.taken == []


def invite(noor, company):
    link = make_link(purpose=Link.Purpose.INVITATION, email="guest@shop.test")
    company = Company.objects.create(name=company)
    Invitation.objects.create(company=company, email=link.email, invited_by=noor, link=link)
    mail_link(link)
    run_due_jobs()


def test_an_invitation_names_who_invites_and_where_to(office, settings, noor):
    settings.FRONTEND_URL = "https://shop.test"
    invite(noor, "Souq & Sons")
    ((recipients, mail),) = office.taken
    assert recipients == ["guest@shop.test"]
    assert mail["Subject"] == "You are invited to Souq & Sons on Hanout"
    text, html = texts_of(mail)
    assert "Noor invites you to see the campaigns of Souq & Sons" in text
    assert "Souq &amp; Sons" in html
    assert "https://shop.test/invitation?token=" in text


@pytest.mark.parametrize(
    "name",
    [
        "Sons\r\nBcc: all@world.test",
        "Sons\nSubject: other\n\nbody",
        "Sons\u2028Bcc: all@world.test",
        "Sons\x00\x1b[31m\u202e",
        "<script>alert(1)</script>",
        "Win at https://evil.test/now",
        "x" * 200,
    ],
)
def test_a_name_begins_no_header_holds_no_markup_and_is_no_link(office, noor, name):
    noor.first_name = name
    User.objects.filter(pk=noor.pk).update(first_name=name.replace("\x00", "")[:150])
    invite(noor, name.replace("\x00", ""))
    ((recipients, mail),) = office.taken
    assert recipients == ["guest@shop.test"]
    assert mail["Bcc"] is None
    assert len(mail.get_all("Subject")) == 1
    assert mail["Subject"].startswith("You are invited to")
    text, html = texts_of(mail)
    assert "<script" not in html.split("</style>")[1]
    assert "evil.test" not in text
    assert "\x1b" not in text + html + mail["Subject"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Souq & Sons Ltd.", "Souq & Sons Ltd."),
        ("  two \n lines ", "two lines"),
        ("www.evil.test/x", "www. evil. test/ x"),
        ("متجر نور", "متجر نور"),
        ("", ""),
    ],
)
def test_a_harmless_name_stays_what_it_is(name, shown):
    assert harmless(name) == shown


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b.test\nBcc: c@d.test", "a@b.test, c@d.test", "A <a@b.test>", "a@b.test\r\n"]
)
def test_what_is_not_one_address_is_never_written_to(office, address):
    with pytest.raises((MailRefused, BadHeaderError)) as refused:
        compose("code", to=address, facts={"code": "483920", "minutes": 10})
    assert refused.type is MailRefused
    assert address.strip() == "" or address not in str(refused.value)


@pytest.mark.parametrize("notice", list(Notice))
def test_each_notice_has_words_of_its_own_and_says_when(office, noor, notice):
    with time_machine.travel("2026-03-01T10:30:00Z", tick=False):
        noor.email_verified_at = now()
        notify(noor, notice)
        noor.delete()  # a deleted account is told all the same
        run_due_jobs()
    ((recipients, mail),) = office.taken
    assert recipients == [EMAIL]
    for text in texts_of(mail):
        assert "{" not in text.split("</style>")[-1]
        assert notice == Notice.WELCOME or "1 March 2026, 10:30 UTC" in text
    assert len({compose(kind, to=EMAIL, facts={}).subject for kind in Notice}) == len(Notice)


def test_the_address_that_was_there_at_the_time_is_told(office, noor):
    notify(noor, Notice.PASSWORD_CHANGED)
    User.objects.update(email="thief@shop.test")
    run_due_jobs()
    assert office.taken[0][0] == [EMAIL]


def test_a_changed_phone_is_told_to_the_old_one_and_by_mail(office, noor):
    notify(noor, Notice.PHONE_CHANGED, old_phone="+966500000001")
    assert run_due_jobs() == 2
    assert office.taken[0][1]["Subject"] == "Your phone number was changed"
    told = DevelopmentMessage.objects.get()
    assert (told.recipient, told.body) == ("+966500000001", mailing.PHONE_CHANGED)


@pytest.mark.parametrize("email", [None, "unproved@shop.test"])
def test_nobody_is_mailed_at_an_address_that_was_not_verified(office, email):
    notify(User.objects.create_user(email=email, phone="+966500000002"), Notice.PIN_CHANGED)
    assert not OutboxJob.objects.exists()


def test_a_text_that_fails_repeats_no_mail(office, noor, monkeypatch):
    monkeypatch.setattr(mailing, "send_text", fail_with(TextNotSent))
    notify(noor, Notice.PHONE_CHANGED, old_phone="+966500000001")
    run_due_jobs()
    assert (len(office.taken), job().payload["to"], job().attempts) == (1, {"phone": "+966500000001"}, 1)
    monkeypatch.setattr(mailing, "send_text", fail_with(NumberCannotReceive))
    with time_machine.travel(now() + timedelta(minutes=1)):
        run_due_jobs()
    assert not OutboxJob.objects.exists()
    assert len(office.taken) == 1


def fail_with(error):
    def fail(**_):
        raise error

    return fail


def test_without_a_mail_server_nothing_is_promised(settings, noor):
    settings.EMAIL_BACKEND = "apps.accounts.mails.NoBackend"
    for promise in (require_mail, ask):
        with pytest.raises(MailNotSent):
            promise()
    notify(noor, Notice.PASSWORD_CHANGED)
    assert not CodeSend.objects.exists()
    assert not Code.objects.exists()
    assert not OutboxJob.objects.exists()
    ask_by_text = send_code(recipient="+966512345678", purpose="sign_in", caller=Caller("203.0.113.9"))
    assert ask_by_text.digits  # texts do not need it


def test_development_keeps_mails_to_be_read(settings):
    settings.EMAIL_BACKEND = "apps.accounts.mails.DevelopmentBackend"
    digits = ask()
    run_due_jobs()
    kept = DevelopmentMessage.objects.get()
    assert (kept.recipient, kept.subject) == (EMAIL, "Your Hanout code")
    assert re.search(r"\d{4,8}", kept.body).group() == digits
    assert "\n\n\n" not in kept.body

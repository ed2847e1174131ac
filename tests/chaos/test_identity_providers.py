"""Kill test 5 of the mission against a running server: the parties that deliver texts fail, over real TLS."""

import contextlib
import re
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import parse_qsl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from core.clock import now
from tests.chaos.conftest import STAGING
from tests.chaos.doors import fresh_phone
from tests.parties import Party
from tests.processes import free_port

SEND = "/api/accounts/otp/send/"
SCRAPER = "a long secret of the scraper"
CODE = re.compile(r"code is: (\d{8})")


class BulkSms(Party):
    """The party over TLS: to a number it treats badly it answers so, and takes the texts for all others."""

    def __init__(self, certificate):
        super().__init__()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # Without a handshake here, or one client that breaks off would hold up all others.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = self.url.replace("http:", "https:") + "/api/smsapi"
        self.bad, self.codes, self.released = {}, {}, threading.Event()

    def answer(self, handler):
        form = dict(parse_qsl(handler.rfile.read(int(handler.headers["Content-Length"])).decode()))
        phone = f"+{form['number']}"
        self.codes.setdefault(phone, []).append(CODE.search(form["message"])[1])
        match self.bad.get(phone):
            case "answers 500":
                handler.send_error(500)
            case "hangs up":
                handler.close_connection = True
            case "never answers":
                self.released.wait(timeout=20)
            case "declines":
                self.say(handler, b'{"response_code": 1032, "error_message": "not whitelisted"}')
            case _:
                self.say(handler, b'{"response_code": 202}')

    def say(self, handler, said):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(said)))
        handler.end_headers()
        handler.wfile.write(said)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Of 127.0.0.1, signed by itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "party")])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "party.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def bulksms(certificate):
    party = BulkSms(certificate)
    yield party
    party.released.set()
    party.stop()


@pytest.fixture(scope="module")
def shop(open_door, bulksms, certificate):
    """Texts through Twilio, which nothing reaches, then through Bulk SMS; between two texts a minute must pass."""
    texts = {
        "TWILIO_ACCOUNT_SID": "AC0",
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_PHONE_NUMBER": "+15005550006",
        "HTTPS_PROXY": f"http://127.0.0.1:{free_port()}",
        "NO_PROXY": "127.0.0.1",
        "BULKSMS_API_URL": bulksms.url,
        "BULKSMS_API_KEY": "key",
        "BULKSMS_SENDER_ID": "Hanout",
        "REQUESTS_CA_BUNDLE": str(certificate),
        "METRICS_TOKEN": SCRAPER,
        "LOG_LEVEL": "DEBUG",
    }
    # Eight digits: six are in every log line, as the microseconds of its time.
    given = {**STAGING, "OTP_COOLDOWN_SECONDS": "60", "OTP_CODE_LENGTH": "8", "OTP_TEST_MODE": "0"}
    return open_door("shop", **given, **texts)


def metrics(web):
    with contextlib.closing(web.line()) as line:
        line.request("GET", "/metrics", headers={"Authorization": f"Bearer {SCRAPER}"})
        text = line.getresponse().read().decode()
    assert "hanout_codes_total" in text
    return text


FAILURES = ["answers 500", "hangs up", "never answers", "declines"]


def test_a_text_no_provider_takes_is_told_and_counts_for_nothing_and_its_code_is_nowhere(shop, bulksms, sql):
    """Kill test 5: four ways to fail at once, then the same people again without having waited."""
    phones = {fresh_phone(): failure for failure in FAILURES}
    bulksms.bad = dict(phones)

    def ask(phone):
        return shop.ask("POST", SEND, {"phone": phone})

    with ThreadPoolExecutor(len(phones)) as pool:
        told = dict(zip(phones, pool.map(ask, phones), strict=True))
    answers = {phones[phone]: (status, answer["code"]) for phone, (status, answer) in told.items()}
    assert answers == {
        "answers 500": (503, "text_not_sent"),
        "hangs up": (503, "text_not_sent"),
        "never answers": (503, "text_not_sent"),
        "declines": (502, "text_refused"),
    }
    assert sql("SELECT DISTINCT state FROM accounts_codesend WHERE recipient = ANY(%s)", list(phones)) == [("failed",)]
    bulksms.bad = {}
    again = [ask(phone) for phone in phones]
    assert [status for status, _ in again] == [200] * len(phones)
    assert [ask(phone)[0] for phone in phones] == [429] * len(phones)
    shown = "".join(map(str, [*told.values(), *again, shop.log.read_text(), metrics(shop), *kept(sql)]))
    codes = {code for phone in phones for code in bulksms.codes[phone]}
    assert len(codes) >= len(phones)
    assert [code for code in codes if code in shown] == []
    for phone in phones:
        assert shop.verify(phone, bulksms.codes[phone][-1])[0] == 200


def kept(sql):
    """Every row such a send leaves behind but the code itself, whose digest and sealed digits are bytes."""
    tables = ("accounts_codesend", "accounts_auditevent", "core_outboxjob", "accounts_guess")
    return [sql(f"SELECT * FROM {table}") for table in tables]  # noqa: S608  # our own names


def test_with_no_provider_at_all_nobody_is_told_that_a_code_is_on_its_way(open_door, sql):
    """Kill test 5."""
    mute = open_door("mute", **{**STAGING, "OTP_TEST_MODE": "0", "OTP_TEST_KEY": ""})
    phone = fresh_phone()
    for _ in range(2):
        status, answer = mute.ask("POST", SEND, {"phone": phone})
        assert (status, answer["code"]) == (503, "text_not_sent")
    assert sql("SELECT DISTINCT state FROM accounts_codesend WHERE recipient = %s", phone) == [("failed",)]

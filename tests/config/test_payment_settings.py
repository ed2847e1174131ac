"""Who may say that money came: what the settings of payments may be, and what no process starts with."""

import pytest

from config.env import Env, Environment
from config.refusals import SettingsRefused
from tests.config.test_env import load, refusal
from tests.production import GOOD, made_up

LIVE = {"STRIPE_SECRET_KEY": "sk_live_" + made_up("stripe")[:24], "STRIPE_WEBHOOK_SECRET": "whsec_1,whsec_2"}
SECRET = made_up("palmpay")


def test_production_starts_on_stripe_with_both_secrets_and_without_stripe():
    assert load(**LIVE).stripe_secret_key.get_secret_value() == LIVE["STRIPE_SECRET_KEY"]
    assert load().stripe_secret_key.get_secret_value() == ""


@pytest.mark.parametrize("webhook_secret", [None, "", " , "])
def test_production_on_stripe_needs_the_secret_of_its_webhook(webhook_secret):
    message = refusal(**{**LIVE, "STRIPE_WEBHOOK_SECRET": webhook_secret})
    assert "  - STRIPE_WEBHOOK_SECRET must be set as well" in message
    assert LIVE["STRIPE_SECRET_KEY"] not in message


@pytest.mark.parametrize("key", ["sk_test_4eC39HqLyjWDarjtT1zdp7dc", "rk_test_4eC39HqLyjWDarjtT1zdp7dc"])
def test_a_key_for_tests_is_refused_in_production_alone(key):
    message = refusal(**{**LIVE, "STRIPE_SECRET_KEY": key})
    assert "  - STRIPE_SECRET_KEY is a key for tests" in message
    assert key not in message
    for environment in (Environment.DEVELOPMENT, Environment.STAGING):
        assert Env.load({**GOOD, "STRIPE_SECRET_KEY": key}, environment=environment)


@pytest.mark.parametrize("environment", list(Environment))
@pytest.mark.parametrize("secret", ["x", SECRET[:31], f"{SECRET},{SECRET[:31]}", f"{SECRET[:31]},"])
def test_a_short_secret_of_a_provider_starts_nothing(environment, secret):
    with pytest.raises(SettingsRefused, match="  - WEBHOOK_SECRET_PALMPAY is too short") as refused:
        Env.load({**GOOD, "WEBHOOK_SECRET_PALMPAY": secret}, environment=environment)
    assert SECRET[:31] not in str(refused.value)


def test_a_providers_secrets_of_thirty_two_characters_are_taken():
    found = load(WEBHOOK_SECRET_PALMPAY=f"{SECRET[:32]}, {SECRET}", WEBHOOK_SECRET_OTHER=SECRET[:32])
    assert set(found.webhook_secrets) == {"palmpay", "other"}


@pytest.mark.parametrize("environment", list(Environment))
@pytest.mark.parametrize("name", ["STRIPE", "SANDBOX", "Stripe"])
def test_no_provider_speaks_in_the_name_of_a_gateway(environment, name):
    with pytest.raises(SettingsRefused, match=f"  - WEBHOOK_SECRET_{name}: a provider cannot go by the name"):
        Env.load({**GOOD, f"WEBHOOK_SECRET_{name}": SECRET}, environment=environment)


def test_all_that_is_wrong_is_named_at_once():
    message = refusal(STRIPE_SECRET_KEY="sk_test_1", WEBHOOK_SECRET_SANDBOX=SECRET, WEBHOOK_SECRET_PALMPAY="short")
    for name in ("STRIPE_WEBHOOK_SECRET", "STRIPE_SECRET_KEY", "WEBHOOK_SECRET_SANDBOX", "WEBHOOK_SECRET_PALMPAY"):
        assert f"  - {name}" in message

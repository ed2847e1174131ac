import json

import pytest

from apps.operations.preflight.checks.contract import api_diff
from apps.operations.preflight.errors import CannotCheck
from tests.operations.preflight.conftest import needs_git

pytestmark = needs_git


def contract(*paths):
    return json.dumps({"paths": {path: {"get": {"responses": {"200": {}}}} for path in paths}})


@pytest.fixture
def released(checkout):
    """A checkout whose release 0.0.9 is out."""
    checkout.write("docs/openapi/shop.json", contract("/orders", "/carts"))
    checkout.write("docs/openapi/v1.json", contract("/login"))
    checkout.write("docs/releases/0.0.9.json", '{"version": "0.0.9", "migrations": {}}')
    checkout.commit(tag="v0.0.9")
    checkout.commit()
    return checkout


def test_before_the_first_release_there_is_nothing_to_break(look, checkout):
    checkout.write("docs/openapi/shop.json", contract("/orders"))
    seen = look(api_diff, checkout.root)
    assert (seen.outcome, seen.sentence[:14]) == ("ok", "First release:")


def test_what_the_release_promised_and_this_commit_keeps_passes(look, released):
    released.write("docs/openapi/shop.json", contract("/orders", "/carts", "/reviews"))
    seen = look(api_diff, released.root)
    assert (seen.outcome, seen.sentence) == ("ok", "2 contracts of 0.0.9 kept.")


def test_a_broken_promise_is_named_with_its_contract(look, released):
    released.write("docs/openapi/shop.json", contract("/orders"))
    seen = look(api_diff, released.root)
    assert (seen.outcome, seen.lines) == ("failed", ("shop.json: removed-path: /carts",))


def test_v1_is_frozen_and_may_not_even_grow(look, released):
    released.write("docs/openapi/v1.json", contract("/login", "/more"))
    assert look(api_diff, released.root).lines[0].startswith("v1.json: frozen-contract: ")


def test_a_contract_that_is_gone_is_a_broken_promise(look, released):
    (released.root / "docs/openapi/shop.json").unlink()
    assert look(api_diff, released.root).lines == ("shop.json: removed-contract: docs/openapi/shop.json",)


def test_the_release_being_made_is_compared_with_the_one_before(look, released):
    released.write("docs/openapi/shop.json", contract("/orders"))
    released.write("docs/releases/0.1.0.json", '{"version": "0.1.0", "migrations": {}}')
    released.commit()
    assert look(api_diff, released.root).sentence == "1 breaking change since 0.0.9."
    released.git("tag", "v0.1.0")
    assert look(api_diff, released.root).sentence == "1 breaking change since 0.0.9."
    released.commit("The next one begins")
    assert look(api_diff, released.root).sentence == "2 contracts of 0.1.0 kept."


def test_a_release_whose_tag_was_not_fetched_is_no_first_release(look, released):
    released.git("tag", "--delete", "v0.0.9")
    with pytest.raises(CannotCheck, match="git fetch --tags"):
        look(api_diff, released.root)


def test_without_contracts_there_is_no_verdict(look, checkout):
    with pytest.raises(CannotCheck, match="run preflight from a checkout"):
        look(api_diff, checkout.root)

import pytest

from config.env import Env, Environment
from config.refusals import SettingsRefused


def load(**values):
    return Env.load(values, environment=Environment.DEVELOPMENT)


@pytest.mark.parametrize("name", ["ELASTICSEARCH_URL", "OPENSEARCH_URL"])
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9200", "https://shop:p%40ss@search.internal", "https://search.internal/prefix"]
)
def test_the_address_of_the_index_has_two_names(name, url):
    assert load(**{name: url}).elasticsearch_url.get_secret_value() == url


@pytest.mark.parametrize(
    "url",
    [
        "search.internal:9200",
        "http://",
        "http://:9200",
        "redis://search.internal",
        "http://host:port",
        "http://host:99999",
        "http://user@host:9200",
        "http://host:9200/?pretty",
        "http://user:hunter2#@host:9200",
        "http://[::1",
    ],
)
def test_an_address_that_leads_nowhere_is_refused_without_showing_its_password(url):
    with pytest.raises(SettingsRefused) as refused:
        load(ELASTICSEARCH_URL=url)
    assert "ELASTICSEARCH_URL: " in str(refused.value)
    assert "http://host:9200" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", ["Products", "my-shop", "_x", "*", "a,b"])
def test_a_name_the_index_cannot_have_is_refused(name):
    with pytest.raises(SettingsRefused, match="ELASTICSEARCH_INDEX"):
        load(ELASTICSEARCH_INDEX=name)


def test_unset_there_is_no_index():
    assert load().elasticsearch_url.get_secret_value() == ""

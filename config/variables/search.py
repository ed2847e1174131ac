"""Where products are searched."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

from config.variables.naming import Variables, named


def _of_a_server(given: SecretStr) -> SecretStr:
    """Judged before the first search; the address may hold a password, so it stays out of the sentence."""
    if given.get_secret_value() and not _is_right(given.get_secret_value()):
        raise ValueError(
            "write it as http://host:9200 or https://user:password@host:9200, with %40 for @ in the password"
        )
    return given


def _is_right(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_whole and not (parts.query or parts.fragment) and (parts.username is None) == (parts.password is None)


class SearchVariables(Variables):
    elasticsearch_url: Annotated[SecretStr, AfterValidator(_of_a_server)] = named(
        SecretStr(""),
        "ELASTICSEARCH_URL",
        "OPENSEARCH_URL",
        help="OpenSearch, for searching. Unset: PostgreSQL searches by itself.",
    )
    elasticsearch_index: str = named(
        "products",
        "ELASTICSEARCH_INDEX",
        help="Name of the index there, an alias; shops that share a cluster need one each.",
        pattern=r"^[a-z][a-z0-9]{0,59}$",
    )

import pytest

from apps.accounts.errors import InvalidPhone
from apps.accounts.phones import canonical_phone


@pytest.mark.parametrize(
    "written",
    [
        "+966512345678",
        "00966512345678",
        "966512345678",
        "+966 51 234 5678",
        "(+966) 512-345.678",
        "+٩٦٦٥١٢٣٤٥٦٧٨",
        "٠٠٩٦٦٥١٢٣٤٥٦٧٨",
        "\u202a+966512345678\u202c",
    ],
)
def test_every_spelling_is_one_phone(written):
    assert canonical_phone(written) == "+966512345678"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "+",
        "hello",
        "+0123456789",
        "123",
        "+9665123456789012345",
        "+96651234567x",
        "512345678",
        "0512345678",
        "x" * 50,
        "-",
    ],
)
def test_what_is_no_phone_is_refused(written):
    with pytest.raises(InvalidPhone):
        canonical_phone(written)


def test_the_documents_sample_works_outside_production():
    assert canonical_phone("+801719159900") == "+801719159900"


@pytest.mark.parametrize("written", ["+801719159900", "+966112", "+15555555555"])
def test_production_takes_only_numbers_that_exist(settings, written):
    settings.ENVIRONMENT = "production"
    with pytest.raises(InvalidPhone):
        canonical_phone(written)
    assert canonical_phone("+966512345678") == "+966512345678"

"""The words and column groups of the S4 contract that files, tables and answers share."""

from django.db.models import TextChoices


class CampaignKind(TextChoices):
    """What a campaign is sold by: calendar months, or the 14-day cycles of the outdoor trade."""

    MENSUAL = "mensual", "monthly"
    CATORCENAL = "catorcenal", "fortnightly"


class Status(TextChoices):
    """How a published number relates to the one received."""

    AS_RECEIVED = "as_received", "as received"
    REPAIRED = "repaired", "repaired"
    FLAGGED = "flagged", "flagged"


class Rule(TextChoices):
    """The known damages, each with the one repair that undoes it."""

    SERIAL_DATE = "serial_date", "day count shown as a date"
    LOST_POINT = "lost_decimal_point", "lost decimal point"
    SWAPPED_COLUMNS = "swapped_columns", "columns swapped"
    TENFOLD_TOTAL = "tenfold_total", "total ten times too large"


class Severity(TextChoices):
    """A flag says that a published number is not proven; a note says something about the delivery."""

    FLAG = "flag", "flag"
    NOTE = "note", "note"


SOCIAL_SHARES = ("nse_ab", "nse_c", "nse_cmas", "nse_d", "nse_dmas", "nse_e")
AGE_SHARES = (
    "edad_0a14",
    "edad_15a19",
    "edad_20a24",
    "edad_25a34",
    "edad_35a44",
    "edad_45a64",
    "edad_65mas",
)
GENDER_SHARES = ("hombres", "mujeres")
CAMPAIGN_SHARES = (SOCIAL_SHARES, AGE_SHARES, GENDER_SHARES)
HOURS = tuple(f"hourly_vehicle_count_{hour:02d}" for hour in range(24))

SITE_SOCIAL_SHARES = (
    "nivel_socioeconomico_ab",
    "nivel_socioeconomico_c_mas",
    "nivel_socioeconomico_c",
    "nivel_socioeconomico_d",
    "nivel_socioeconomico_e",
    "nivel_socioeconomico_d_mas",
)
SITE_AGE_SHARES = (
    "cero_catorce",
    "quince_diecinueve",
    "veinte_veinticuatro",
    "veinticinco_treintaycuatro",
    "treintaycinco_cuarentaycuatro",
    "cuarentaycinco_sesentaycuatro",
    "sesentaycinco_mas",
)
SITE_GENDER_SHARES = ("per_muj", "per_hom")
SITE_SHARES = (SITE_SOCIAL_SHARES, SITE_AGE_SHARES, SITE_GENDER_SHARES)

"""Search in PostgreSQL, and the list of what an OpenSearch index has yet to learn.

Adding a stored generated column writes the whole table anew under an exclusive lock, and so does dropping the old one
ask for that lock. Nothing is released yet, so there is no table to hold up; once there is, a new vector is a second
column, filled in batches, and the old one goes a release later.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

# The bodies are parsed when they are created (RETURN, not a string), so that they mean the same under the empty
# search path of a restore or a REINDEX.
#
# Fold: compatibility decomposition takes accents, hamzas and ligatures apart; marks, tashkeel and tatweel go, alefs,
# yaas and taa marbutas become one letter, and what is no letter or number becomes a gap, or the parser would make
# "KIT-001" the number -1 and "10.5" one word.
FOLD = r"""
CREATE FUNCTION products_fold(given text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(
    replace(replace(replace(
        regexp_replace(
            lower(normalize(given, NFKD)), '[\u0300-\u036f\u0610-\u061a\u0640\u064b-\u065f\u0670]', '', 'g'
        ), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'),
    'øłđðıٱىیکةۀ٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹' || $$!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~$$ || '،؛؟«»',
    'olddiاييكهه01234567890123456789' || repeat(' ', 37)
)
"""

# The stemmer takes the article or the ending, not both, and knows neither "and the", "with the", "like the" nor the
# plural in -at.
ARABIC = r"""
CREATE FUNCTION products_arabic(folded text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(regexp_replace(folded, '\m(?:[وفبك]?ال|لل)(?=\w{3})', '', 'g'), '(\w{3})ات\M', '\1', 'g')
"""

# Each word as it is, and its stem in each language: a name says nothing of the language it is in.
LEXEMES = """
CREATE FUNCTION products_lexemes(folded text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_tsvector('simple', folded) || to_tsvector('english', folded) || to_tsvector('spanish', folded)
    || to_tsvector('arabic', products_arabic(folded))
"""

VECTOR = """
CREATE FUNCTION products_vector(name text, sku text, words text, description text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN setweight(products_lexemes(products_fold(name || ' ' || sku)), 'A')
    || setweight(products_lexemes(products_fold(words)), 'B')
    || setweight(products_lexemes(products_fold(description)), 'C')
"""

# All words must be there, each as the beginning of one or by its stem. No words find nothing.
QUERY = """
CREATE FUNCTION products_query(words text[]) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    word text;
    meant tsquery;
    whole tsquery;
BEGIN
    FOREACH word IN ARRAY words LOOP
        word := btrim(products_fold(word));
        CONTINUE WHEN word = '';
        meant := to_tsquery('simple', '''' || word || ''':*') || plainto_tsquery('english', word)
            || plainto_tsquery('spanish', word) || plainto_tsquery('arabic', products_arabic(word));
        whole := CASE WHEN whole IS NULL THEN meant ELSE whole && meant END;
    END LOOP;
    RETURN whole;
END
$body$
"""

FUNCTIONS = (
    (FOLD, "products_fold(text)"),
    (ARABIC, "products_arabic(text)"),
    (LEXEMES, "products_lexemes(text)"),
    (VECTOR, "products_vector(text, text, text, text)"),
    (QUERY, "products_query(text[])"),
)


class Migration(migrations.Migration):
    dependencies = [("products", "0001_initial")]
    operations = [
        *(migrations.RunSQL(made, f"DROP FUNCTION {name}") for made, name in FUNCTIONS),
        migrations.RemoveIndex("product", "product_search"),
        migrations.RemoveField("product", "search_vector"),
        migrations.AddField(
            "product",
            "search_words",
            models.TextField(blank=True, db_default="", default="", editable=False),
        ),
        migrations.AddField(
            "product",
            "search_vector",
            models.GeneratedField(
                db_persist=True,
                expression=models.Func("name", "sku", "search_words", "description", function="products_vector"),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            "product",
            django.contrib.postgres.indexes.GinIndex(models.F("search_vector"), name="product_search"),
        ),
        migrations.CreateModel(
            name="SearchChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("product_id", models.UUIDField()),
            ],
            options={"ordering": ["pk"]},
        ),
        migrations.RunSQL("CREATE SEQUENCE products_search_version", "DROP SEQUENCE products_search_version"),
    ]

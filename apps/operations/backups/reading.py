"""What is in a database, read so that two servers give the same answer for the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

Reader = Connection[tuple[Any, ...]]

_OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"
_ITS_OWN = (
    "NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = {}.oid AND d.classid = '{}'::regclass AND d.deptype = 'e')"
)
# Types whose own hash tells any two values apart that are written differently; that is four times as fast as writing
# them. The others (1.0 and 1.00 are one number, jsonb has many faces) are hashed as text.
_EXACT = (
    "'bool', 'bytea', 'date', 'int2', 'int4', 'int8', 'text', 'time', 'timestamp', 'timestamptz', 'uuid', 'varchar'"
)
_TABLES = f"""
    SELECT format('%I.%I', n.nspname, c.relname), n.nspname, c.relname,
           array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE a.attnum > 0),
           array_agg(a.attname) FILTER (WHERE a.atttypid = ANY (ARRAY[{_EXACT}]::regtype[]))
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a
           ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    WHERE c.relkind = 'r' AND {_OURS} AND {_ITS_OWN.format("c", "pg_class")}
    GROUP BY c.oid, n.nspname, c.relname
    ORDER BY c.relpages DESC, 1
"""  # noqa: S608  # of the pieces above
_SEQUENCES = f"""
    SELECT format('%I.%I', n.nspname, c.relname), n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' AND {_OURS} AND {_ITS_OWN.format("c", "pg_class")}
"""  # noqa: S608  # as above
# Not-null constraints are left out: PostgreSQL lists them from 18 on only.
_OBJECTS = f"""
    SELECT format('constraint %s of %s', k.conname, k.conrelid::regclass), k.convalidated
    FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
    WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND k.conrelid <> 0 AND {_OURS}
    UNION ALL
    SELECT format('index %s', i.indexrelid::regclass), i.indisvalid AND i.indisready
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {_OURS}
    UNION ALL
    SELECT format('trigger %s of %s', t.tgname, t.tgrelid::regclass), t.tgenabled <> 'D'
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND {_OURS}
    UNION ALL
    SELECT format('view %s', c.oid::regclass), true
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND {_OURS} AND {_ITS_OWN.format("c", "pg_class")}
    UNION ALL
    SELECT format('function %s', p.oid::regprocedure), true
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE {_OURS} AND {_ITS_OWN.format("p", "pg_proc")}
    UNION ALL
    SELECT format('extension %s', e.extname), true FROM pg_extension e
"""  # noqa: S608  # as above
# A sum of hashes: order does not matter, and unlike with XOR two equal rows do not cancel each other.
_FIGURES = sql.SQL("SELECT count(*), coalesce(sum(hash_record_extended(ROW({}), 0)), 0)::text FROM ONLY {}")


_MIGRATIONS = ".django_migrations"


@dataclass(frozen=True)
class Table:
    name: str
    identifier: sql.Identifier
    columns: Sequence[str]
    exact: Sequence[str]

    @property
    def query(self) -> sql.Composed:
        """Generated columns are left out: they follow from the others, by rules a new major may refine."""
        columns = [
            sql.SQL("{}" if name in self.exact else "{}::text").format(sql.Identifier(name)) for name in self.columns
        ]
        return _FIGURES.format(sql.SQL(", ").join(columns), self.identifier)


def tables_of(reader: Reader) -> list[Table]:
    """Every table that holds rows of ours, the largest first."""
    rows = reader.execute(_TABLES).fetchall()
    return [
        Table(name, sql.Identifier(schema, table), columns or (), exact or ())
        for name, schema, table, columns, exact in rows
    ]


def sequences_of(reader: Reader) -> dict[str, int]:
    """Where each sequence stands: the last number it gave, one more than a number it was only set to."""
    named = reader.execute(_SEQUENCES).fetchall()
    parts = [
        sql.SQL("SELECT {}, last_value + is_called::int FROM {}").format(
            sql.Literal(name), sql.Identifier(schema, sequence)
        )
        for name, schema, sequence in named
    ]
    return dict(reader.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall()) if parts else {}


def objects_of(reader: Reader) -> dict[str, bool]:
    """Constraints, indexes, triggers, views, functions and extensions by name, and whether each is in force."""
    return dict(reader.execute(_OBJECTS).fetchall())


def migrations_of(reader: Reader, tables: Sequence[Table]) -> tuple[str, ...]:
    """The applied migrations in the order they were applied; none in a database that is not Django's."""
    for table in tables:
        if table.name.endswith(_MIGRATIONS):
            query = sql.SQL("SELECT app || '.' || name FROM {} ORDER BY id").format(table.identifier)
            return tuple(name for (name,) in reader.execute(query).fetchall())
    return ()


def schema_of(tables: Sequence[Table]) -> str:
    """Where the shop's tables are."""
    found = (table.name.removesuffix(_MIGRATIONS) for table in tables if table.name.endswith(_MIGRATIONS))
    return next(found, "public")

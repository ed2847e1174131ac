"""Questions the shop itself would ask a restored database: whether it makes sense, not only whether it is the same."""

import psycopg

from apps.operations.backups.address import first_line
from apps.operations.backups.reading import Reader

# Each counts what is wrong; the sentence is for the case that it is not zero.
_QUESTIONS = {
    "stock items do not agree with their ledger": """
        SELECT count(*) FROM (
            SELECT 1 FROM products_stockitem i LEFT JOIN products_stockmovement m ON m.item_id = i.id
            GROUP BY i.id
            HAVING i.on_hand <> coalesce(sum(m.on_hand_change), 0) OR i.reserved <> coalesce(sum(m.reserved_change), 0)
                OR i.allocated <> coalesce(sum(m.allocated_change), 0)
        ) AS wrong
    """,
    "orders do not cost what their lines cost": """
        SELECT count(*) FROM (
            SELECT 1 FROM orders_order o LEFT JOIN orders_orderline l ON l.order_id = o.id
            GROUP BY o.id HAVING o.subtotal <> coalesce(sum(l.unit_price * l.quantity), 0)
        ) AS wrong
    """,
    "products cannot be shown, because their category is missing": """
        SELECT count(*) FROM products_product p LEFT JOIN products_category c ON c.id = p.category_id
        WHERE p.category_id IS NOT NULL AND c.id IS NULL
    """,
}


def complaints(reader: Reader, *, schema: str) -> list[str]:
    """What does not make sense in a database of this very release."""
    found = []
    for sentence, question in _QUESTIONS.items():
        try:
            with reader.transaction(force_rollback=True):  # the path of names is not to stay like that
                reader.execute("SELECT set_config('search_path', %s, true)", [schema])
                ((count,),) = reader.execute(question).fetchall()
        except psycopg.ProgrammingError as error:
            found.append(f"The shop cannot be asked whether {sentence}: {first_line(error)}.")
        else:
            found.extend([f"{count} {sentence}."] if count else [])
    return found

"""`manage.py check_stock`: the ledger against the balances."""

import json
import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from apps.products import queries
from apps.products.models import StockItem


class Command(BaseCommand):
    help = (
        "Proves that for every stock item the movements add up to what is on hand, reserved and allocated, and that "
        "nothing is below zero. Changes nothing; exit code 1 and the rows that differ when something is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="for programs: one JSON object")

    def handle(self, *, as_json: bool, **_: object) -> None:
        wrong = queries.stock_differences()
        checked = StockItem.objects.count()
        if as_json:
            self.stdout.write(json.dumps({"ok": not wrong, "checked": checked, "differences": wrong}))
        elif wrong:
            self.stdout.write(f"{len(wrong)} of {checked} stock items do not agree with their movements:")
            for row in wrong:
                self.stdout.write(f"  {_told(row)}")
        else:
            self.stdout.write(f"The stock ledger adds up: {checked} stock items agree with their movements.")
        if wrong:
            sys.exit(1)


def _told(row: dict[str, object]) -> str:
    facts = (f"{name} {row[name]}, moved {row[f'{name}_moved']}" for name in ("on_hand", "reserved", "allocated"))
    return f"{row['sku']} (item {row['id']}): {'; '.join(facts)}"

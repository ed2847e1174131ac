"""`manage.py index_products [--rebuild]`: the search index follows the shop, or is built anew."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from apps.products.search_index import RebuildRunning, SearchUnavailable
from apps.products.services.search_repairs import rebuild_index, repair_index

LINE_EVERY = 5000


class Command(BaseCommand):
    help = (
        "Compares the OpenSearch index with the shop and puts right what differs; with --rebuild builds a new one "
        "beside it and swaps them in one step, while the shop goes on. Stopping it changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rebuild", action="store_true", help="build a new index; needed after a restore")

    def handle(self, *, rebuild: bool, **_: object) -> None:
        if not settings.ELASTICSEARCH_URL:
            self.stdout.write(
                "ELASTICSEARCH_URL is not set: PostgreSQL searches by itself, and there is nothing to do."
            )
            return
        try:
            with self._shown() as on_step:
                count = rebuild_index(on_step=on_step) if rebuild else repair_index(on_step=on_step)
        except RebuildRunning:
            raise CommandError("The index is being rebuilt by another process; nothing was done.") from None
        except SearchUnavailable as error:
            raise CommandError(
                f"OpenSearch did not do its part ({error}); searches are answered as before. "
                "Is ELASTICSEARCH_URL right?"
            ) from None
        self.stdout.write(
            f"Search index rebuilt: {count:,} products read." if rebuild else f"{count:,} products put right."
        )

    @contextmanager
    def _shown(self) -> Iterator[Callable[[int, int], None]]:
        """A bar where someone watches, a line now and then elsewhere."""
        if not self.stdout.isatty():
            yield self._say
            return
        columns = (TextColumn("Indexing"), BarColumn(bar_width=32), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def _say(self, done: int, total: int) -> None:
        if done % LINE_EVERY == 0 or done == total:
            self.stdout.write(f"{done:,} of {total:,} products")

"""`python -m bench.shopping`: how long customers wait at the request rates S2 names, on one core.

10,000 products. The web process has one core for itself; PostgreSQL, Redis and the client share another. Requests start
at a fixed rate whether or not the last one was answered, and each waits from the moment it was due: a server that falls
behind shows it. First each address alone at its whole rate, then all of them at once at half of it. S2's targets are
for a deployment; one core has to meet each of them alone.
"""

import json
import os
import random
import selectors
import socket
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench.parties import database, redis, run
from bench.refreshing import web
from bench.serving import is_whole as is_answered

PRODUCTS, SHOPPERS, CONNECTIONS, SECONDS = 10_000, 200, 32, 10.0
PORT = 18766
WORDS = ("mug", "wool", "blanket", "lamp", "carpet", "tea", "cushion", "tray")
ADDRESS = {"full_name": "Nora", "address_line1": "1 Palm Street", "city": "Riyadh", "country": "SA"}

FILL = f"""
import json
from apps.accounts.callers import Caller
from apps.accounts.models import User
from apps.accounts.services import start_session
from apps.operations.services.seeding import seed_demo
from apps.products.models import Category, Product
from apps.products.services import StockLine, receive_stock
seed_demo()
shelf, words = Category.objects.first(), {WORDS!r}
made = Product.objects.bulk_create([
    Product(name=f"{{words[n % 8].title()}} {{n}}", slug=f"bench-{{n}}", sku=f"BENCH-{{n}}", category=shelf,
            price=500 + n % 9000, description="A thing of the bench, made of " + words[n % 7])
    for n in range({PRODUCTS})
], batch_size=1000)
for at in range(0, len(made), 500):
    receive_stock(lines=[StockLine(product.pk, None, 100_000) for product in made[at:at + 500]], reference="bench")
people = [User.objects.create_user(phone=f"+96650001{{n:04}}") for n in range({SHOPPERS})]
caller = Caller("127.0.0.1", "bench")
print(json.dumps({{
    "products": [str(product.pk) for product in made],
    "tokens": [start_session(user=user, caller=caller).access for user in people],
}}))
"""


@dataclass(frozen=True)
class Wish:
    """One address, how often it is asked for, and how long 95 of 100 may wait (milliseconds)."""

    name: str
    rate: int
    target: int
    make: Callable[["Shop"], bytes]


@dataclass
class Shop:
    """What there is to ask for; each call asks for something else."""

    products: list[str]
    tokens: list[str]
    dice: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311  # not a secret

    def get(self, path: str, *, as_shopper: bool = False) -> bytes:
        return self._request("GET", path, as_shopper=as_shopper)

    def post(self, path: str, body: object) -> bytes:
        return self._request("POST", path, json.dumps(body).encode(), as_shopper=True)

    def product(self) -> str:
        return self.dice.choice(self.products)

    def _request(self, method: str, path: str, body: bytes = b"", *, as_shopper: bool) -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\n"
        head += f"Authorization: Bearer {self.dice.choice(self.tokens)}\r\n" if as_shopper else ""
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        return f"{head}\r\n".encode() + body


def order(shop: Shop) -> bytes:
    items = [{"product_id": shop.product(), "quantity": 1} for _ in range(2)]
    return shop.post("/api/orders/", {"items": items, "shipping_address": ADDRESS})


WISHES = (
    Wish("product list", 100, 100, lambda shop: shop.get(f"/api/products/?page={shop.dice.randrange(1, 50)}")),
    Wish("product detail", 200, 80, lambda shop: shop.get(f"/api/products/{shop.product()}/")),
    Wish("search", 50, 300, lambda shop: shop.get(f"/api/products/search/?q={shop.dice.choice(WORDS)}")),
    Wish("cart", 80, 120, lambda shop: shop.get("/api/orders/cart/", as_shopper=True)),
    Wish(
        "add to cart",
        50,
        150,
        lambda shop: shop.post("/api/orders/cart/add_item/", {"product_id": shop.product(), "quantity": 1}),
    ),
    Wish("order", 20, 500, order),
)


@dataclass
class Line:
    """A kept connection, and what it is busy with."""

    socket: socket.socket
    came: bytes = b""
    wish: str = ""
    due: float = 0.0


def ask(shop: Shop, plan: list[tuple[float, Wish]]) -> dict[str, list[float]]:
    """The seconds from when each request was due until its answer had come, by name."""
    waiting, free, started = selectors.DefaultSelector(), deque[Line](), time.perf_counter()
    times: dict[str, list[float]] = {wish.name: [] for _, wish in plan}
    for _ in range(CONNECTIONS):
        line = Line(socket.create_connection(("127.0.0.1", PORT)))
        waiting.register(line.socket, selectors.EVENT_READ, line)
        free.append(line)
    todo = deque(sorted(plan, key=lambda step: step[0]))
    while todo or len(free) < CONNECTIONS:
        while todo and free and started + todo[0][0] <= time.perf_counter():
            due, wish = todo.popleft()
            line = free.popleft()
            line.came, line.wish, line.due = b"", wish.name, started + due
            line.socket.sendall(wish.make(shop))
        for key, _ in waiting.select(0.001):
            line = key.data
            line.came += line.socket.recv(1 << 18)
            if is_answered(line.came.replace(b"HTTP/1.1 201 ", b"HTTP/1.1 200 ", 1)):
                times[line.wish].append(time.perf_counter() - line.due)
                free.append(line)
    for line in free:
        line.socket.close()
    return times


def plan(wishes: tuple[Wish, ...], share: float) -> list[tuple[float, Wish]]:
    steps = [(wish, wish.rate * share) for wish in wishes]
    return [(number / rate, wish) for wish, rate in steps for number in range(int(rate * SECONDS))]


def tell(title: str, wishes: tuple[Wish, ...], share: float, times: dict[str, list[float]]) -> None:
    for wish in wishes:
        found = [seconds * 1000 for seconds in times[wish.name]]
        cuts = statistics.quantiles(found, n=100)
        verdict = "ok" if cuts[94] <= wish.target else "MISSED"
        print(
            f"{title:10}{wish.name:16}{wish.rate * share:7.0f}/s{cuts[49]:9.1f}{cuts[94]:9.1f}{cuts[98]:9.1f}"
            f"{wish.target:9} {verdict}"
        )


def clean(url: str) -> None:
    """Unpaid orders are limited to a few a customer; those of the last measurement are over."""
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE orders_order SET status = 'cancelled', reserved_until = NULL")


def main() -> None:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("This needs two cores: one for the web process, one for everything else.")
    os.sched_setaffinity(0, {cores[1]})
    with tempfile.TemporaryDirectory() as folder, database(Path(folder)) as url, redis(Path(folder)) as cache:
        environ = {
            "DATABASE_URL": url,
            "REDIS_URL": cache,
            "PORT": str(PORT),
            "HANOUT_DATA_DIR": folder,
            "LOG_LEVEL": "ERROR",
            "DEBUG": "0",
            "ENVIRONMENT": "development",
        }
        shop = Shop(**json.loads(run(environ, "shell", "--no-imports", "-v", "0", "-c", FILL)))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")
        print(f"{'':10}{'':16}{'':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'target':>9}")
        with web(environ, cores[0]):
            ask(shop, plan(WISHES, 0.2))  # warm
            for wish in WISHES:
                clean(url)
                tell("alone", (wish,), 1.0, ask(shop, plan((wish,), 1.0)))
            clean(url)
            tell("together", WISHES, 0.5, ask(shop, plan(WISHES, 0.5)))
        print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

"""`python -m bench.guessing`: a day of guessing one person's codes, through the real services, with time travelled.

The attacker guesses as soon as anything lets them, from as many addresses as they have, and asks for codes either at
once or one an hour, whichever earns more; the limit on calls per address at the endpoints is left out, which only
helps them. Every guess is a different wrong code, so
the day is played to its end; what it was worth is worked out afterwards: the chance that one of the guesses at each
code would have been right.

The owner tries every three hours, each time just after the attacker: from a network they signed in from before, or,
as a new customer does, from one nobody knows.
"""

import itertools
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.e2e_test"
os.environ |= {"LOG_LEVEL": "ERROR", "DEBUG": "0"}

import django

django.setup()

import time_machine
from django.conf import settings
from django.core.management import call_command
from django.db.models import Count

from apps.accounts.callers import Caller
from apps.accounts.errors import CodeRejected
from apps.accounts.models import Guess
from apps.accounts.services import send_code, sign_in_with_code, verify_code
from core.errors import TooManyRequests

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BAR = 1e-4
PACES = (timedelta(seconds=settings.OTP_COOLDOWN_SECONDS), HOUR)
_days = itertools.count(1)


@dataclass
class Attacker:
    """Somebody with so many addresses; each call comes from the next one."""

    phone: str
    addresses: int
    pace: timedelta
    code: str = ""
    asker: str = ""
    guesses: Iterator[int] = field(default_factory=lambda: iter(()))
    used: Iterator[int] = field(default_factory=itertools.count)
    send_again: datetime = START
    compared: int = 0

    def turn(self, now: datetime) -> datetime:
        """Do all that is possible now; return when there may be more."""
        if now >= self.send_again:
            self.send_again = self.ask(now)
        return max(min(self.send_again, self.guess(now)), now + timedelta(seconds=1))

    def ask(self, now: datetime) -> datetime:
        address = self.address()
        try:
            sent = send_code(recipient=self.phone, purpose="sign_in", caller=Caller(address))
        except TooManyRequests as refused:
            return now + timedelta(seconds=refused.retry_after or 1)
        self.asker = address
        if sent.digits != self.code:
            self.code = sent.digits
            self.guesses = iter(number for number in range(10**6) if number != int(sent.digits))
        return now + self.pace

    def guess(self, now: datetime) -> datetime:
        """As everybody until refused, then as whoever asked: their guess in reserve is worth most at the end."""
        again = self.guess_until_refused(now)
        with suppress(TooManyRequests, CodeRejected):
            self.try_next(self.asker)
        return again

    def guess_until_refused(self, now: datetime) -> datetime:
        while True:
            try:
                self.try_next(self.address())
            except TooManyRequests as refused:
                return now + timedelta(seconds=refused.retry_after or 1)
            except CodeRejected:
                if not self.is_compared():
                    return now + DAY  # no open code: there is nothing to guess at before another send

    def try_next(self, address: str) -> None:
        guess = f"{next(self.guesses, 0):06d}"
        verify_code(recipient=self.phone, purpose="sign_in", guess=guess, caller=Caller(address))

    def is_compared(self) -> bool:
        """Whether the last guess met a code; one that is used or expired is refused uncounted."""
        before, self.compared = self.compared, Guess.objects.filter(recipient=self.phone).count()
        return self.compared > before

    def address(self) -> str:
        number = next(self.used) % self.addresses
        return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@dataclass
class Owner:
    """The person the phone belongs to; tries eight times a day."""

    phone: str
    is_known: bool
    tries: int = 0
    successes: int = 0

    def prepare(self) -> None:
        if self.is_known:
            with time_machine.travel(START - DAY, tick=False):
                self.sign_in("203.0.113.9")

    def turn(self) -> None:
        self.tries += 1
        try:
            self.sign_in(f"203.0.113.{self.tries}" if self.is_known else "198.51.100.7")
        except (TooManyRequests, CodeRejected):
            return
        self.successes += 1

    def sign_in(self, address: str) -> None:
        sent = send_code(recipient=self.phone, purpose="sign_in", caller=Caller(address))
        sign_in_with_code(phone=self.phone, guess=sent.digits, caller=Caller(address))


def play(addresses: int, owner: str, pace: timedelta) -> tuple[Owner, list[int]]:
    """A day; the owner as they ended it, and how many guesses each code met that were not the owner's."""
    phone = f"+96655{next(_days):07}"
    attacker, person = Attacker(phone, addresses, pace), Owner(phone, is_known=owner == "known here")
    person.prepare()
    moment = START
    visits = [START + part * DAY / 16 for part in range(1, 16, 2)] if owner != "absent" else []
    while moment < START + DAY:
        with time_machine.travel(moment, tick=False):
            again = attacker.turn(moment)
            if visits and moment >= visits[0]:
                visits.pop(0)
                person.turn()
        moment = min([again, *visits[:1]])
    strangers = Guess.objects.filter(recipient=phone, address__startswith="10.")
    return person, list(strangers.values("code").annotate(n=Count("pk")).values_list("n", flat=True))


def chance(guesses: list[int], digits: int) -> float:
    """That at least one of the guesses is right, all guesses at one code being different."""
    return -math.expm1(sum(math.log1p(-min(count / 10**digits, 1 - 1e-12)) for count in guesses))


def main() -> None:
    call_command("migrate", verbosity=0)
    print(f"{'addresses':>10}  {'owner':16}{'guesses':>8}{'codes':>6}", end="")
    print(f"{'4 digits':>10}{'6 digits':>10}{'8 digits':>10}  owner got in (asked at once, hourly)")
    worst = 0.0
    for addresses in (10, 1000, 1 << 24):
        for owner in ("absent", "known here", "first time"):
            days = [play(addresses, owner, pace) for pace in PACES]
            guesses = max((guesses for _, guesses in days), key=lambda found: chance(found, 6))
            worst = max(worst, chance(guesses, 6))
            show("unlimited" if addresses > 1000 else str(addresses), owner, guesses, said(*(day[0] for day in days)))
    print(f"{'':10}  attempts counted per code alone, refilled by sending anew (worked out, not played):")
    for name, codes in (("a text a minute", 24 * 60), ("5 an hour", 24 * 5), ("10 a day", 10)):
        show("", name, [settings.OTP_MAX_ATTEMPTS] * codes, "no: the attempts are the attacker's too")
    print(f"Worst day with six digits: {worst:.1e}; the bar is {BAR:.0e}.")
    assert worst <= BAR


def said(*people: Owner) -> str:
    """How the owner fared against either attacker."""
    return ", ".join(f"{person.successes} of {person.tries}" for person in people) if people[0].tries else "-"


def show(addresses: str, owner: str, guesses: list[int], fared: str) -> None:
    odds = "".join(f"{chance(guesses, digits):10.1e}" for digits in (4, 6, 8))
    print(f"{addresses:>10}  {owner:16}{sum(guesses):8}{len(guesses):6}{odds}  {fared}")


if __name__ == "__main__":
    main()

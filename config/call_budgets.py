"""How often anybody may call in a minute, where nothing says otherwise."""

from config.env import Env, Environment

# S0 wrote 60 an address; behind one address of a mobile network sit hundreds of phones (docs/decisions).
ANONYMOUS, PERSON = 600, 200


def call_budgets(env: Env) -> tuple[int, int]:
    """For an address and for a person; nothing is counted in development, where one machine plays all customers."""
    defaults = (0, 0) if env.environment is Environment.DEVELOPMENT else (ANONYMOUS, PERSON)
    given = (env.anonymous_calls_per_minute, env.person_calls_per_minute)
    anonymous, person = (unset if limit is None else limit for limit, unset in zip(given, defaults, strict=True))
    return anonymous, person

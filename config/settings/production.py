"""The real thing: starts clean or not at all."""

from config.env import Environment, select

select(Environment.PRODUCTION)

from config.settings.base import *

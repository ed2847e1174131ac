"""Production's behaviour, for testers."""

from config.env import Environment, select

select(Environment.STAGING)

from config.settings.base import *

"""A laptop: everything on, embedded database, readable logs."""

from config.env import Environment, select

select(Environment.DEVELOPMENT)

from config.settings.base import *

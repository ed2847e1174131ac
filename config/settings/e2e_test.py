"""A served process for end-to-end tests: development's behaviour on a throwaway database."""

import os

os.environ["TESTING"] = "1"

from config.env import Environment, select

select(Environment.DEVELOPMENT)

from config.settings.base import *

"""Production's behaviour, where testers may still be let in (`OTP_TEST_*`)."""

from config.env import Environment, select

select(Environment.STAGING)

from config.settings.base import *

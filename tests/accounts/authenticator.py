"""An authenticator app, as a person of staff has one."""

import time

from django_otp.oath import hotp

from apps.accounts.callers import Caller
from apps.accounts.services.second_factor import add_second_factor, new_secret

HOME = Caller("203.0.113.9", "tests")


class App:
    """An authenticator app, and the paper with the recovery codes."""

    def __init__(self, secret, codes=()):
        self.secret, self.codes = secret, list(codes)

    def code(self, later=0):
        return f"{hotp(self.secret, int(time.time()) // 30 + later):06}"

    def wrong(self):
        """Neither the code of this half minute nor of its neighbours."""
        near = {self.code(later) for later in (-1, 0, 1)}
        return next(code for code in ("000000", "111111", "222222", "333333") if code not in near)


def set_up_for(user):
    app = App(new_secret())
    _, app.codes = add_second_factor(user=user, secret=app.secret, typed=app.code(), caller=HOME)
    return app

"""HTTP calls to providers, ended in time: so many seconds in all, where `requests` counts each step for itself."""

from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3 import Timeout


class Punctual(HTTPAdapter):
    """Mount it on a session; one attempt, whatever the caller passes as its timeout."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(max_retries=0)

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        return super().send(request, *args, **{**kwargs, "timeout": Timeout(total=self.seconds)})

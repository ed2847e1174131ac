"""S1's answers when all went well, beside `core/error_shapes.py`; V1 and V2 share them."""

from typing import Any

from ninja import Schema


class Envelope(Schema):
    """The keys of every generation of S1's clients."""

    status: bool = True
    success: bool = True
    message: str
    detail: str
    data: Any = None


def answer(message: str, data: Any = None) -> dict[str, Any]:
    """What an endpoint answering in an `Envelope` returns."""
    return {"message": message, "detail": message, "data": data}

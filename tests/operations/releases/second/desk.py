"""Release N+1: it stands in `instructions`, and nobody sends a fax."""

from parcels.models import Parcel


def send(code, text):
    Parcel.objects.create(code=code, instructions=text)


def amend(code, text):
    parcel = Parcel.objects.get(code=code)
    parcel.instructions = text
    parcel.save()


def read(code):
    parcel = Parcel.objects.get(code=code)
    return parcel.instructions or parcel.note


def listed():
    return list(Parcel.objects.order_by("-pk")[:5])

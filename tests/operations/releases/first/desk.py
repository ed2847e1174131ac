"""Release N: what a driver should know stands in `note`."""

from parcels.models import Parcel


def send(code, text):
    Parcel.objects.create(code=code, note=text)


def amend(code, text):
    parcel = Parcel.objects.get(code=code)
    parcel.note = text
    parcel.save()


def read(code):
    return Parcel.objects.get(code=code).note


def listed():
    return list(Parcel.objects.order_by("-pk")[:5])

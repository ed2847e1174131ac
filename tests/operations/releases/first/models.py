from django.db import models


class Parcel(models.Model):  # noqa: DJ008
    code = models.CharField(max_length=40, unique=True)
    note = models.TextField(default="")
    fax = models.CharField(max_length=20, null=True)  # noqa: DJ001

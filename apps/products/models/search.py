"""What an index outside the database has yet to learn."""

from django.db import models


class SearchChange(models.Model):
    """A product that changed; written with the change, deleted once the index knows.

    One row a change and nothing unique: two people who change one product must not wait for each other here. It
    refers to no product, because a deleted one must leave the index too.
    """

    product_id = models.UUIDField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"Product {self.product_id}"

"""What operations remembers: the backups at the target, so that metrics need not ask it."""

from django.db import models


class Backup(models.Model):
    """A backup at the target, and what its last verification found."""

    name = models.CharField(max_length=100, unique=True)
    target = models.CharField(max_length=500)
    taken_at = models.DateTimeField()
    size_bytes = models.PositiveBigIntegerField()
    verified_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was last restored, compared and found whole."
    )
    rto_seconds = models.FloatField(null=True, blank=True, help_text="How long restoring and comparing took then.")
    failure = models.CharField(max_length=500, blank=True, help_text="What the last verification found wrong.")

    class Meta:
        ordering = ["-taken_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(verified_at=None) | models.Q(failure=""), name="backup_verified_or_failed"
            )
        ]

    def __str__(self) -> str:
        return self.name

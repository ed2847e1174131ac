"""What would have left the house; written in development only."""

from django.db import models


class DevelopmentMessage(models.Model):
    """A text or mail that would have been sent; read at /inbox/ in development, never written in production."""

    recipient = models.CharField(max_length=254, help_text="A phone or an email address.")
    subject = models.CharField(max_length=200, blank=True, db_default="", help_text="Mails only.")
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Message to {self.recipient}"

"""How this shop publishes, as an administrator set it on the desk."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class PublishingRules(models.Model):
    """The one row of what holds now; who changed what and when stands in the audit log. See kb/publishing_rules.py."""

    ONLY = 1  # its id

    four_eyes = models.BooleanField(default=False, help_text="nobody publishes a text that they have written")
    changed_at = models.DateTimeField(null=True, blank=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_row_of_publishing_rules")]

    def __str__(self) -> str:
        return "four eyes" if self.four_eyes else "two eyes"

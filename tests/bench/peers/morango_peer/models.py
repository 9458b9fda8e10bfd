"""One event as a Morango model."""

from django.db import models
from morango.models.core import SyncableModel

PROFILE = "hall"


class Event(SyncableModel):
    """What one clerk did, as a JSON line."""

    morango_model_name = "event"
    morango_profile = PROFILE

    number = models.IntegerField()
    county = models.CharField(max_length=32)
    told = models.TextField()

    def calculate_source_id(self) -> str:
        """Events are numbered."""
        return str(self.number)

    def calculate_partition(self) -> str:
        """Everything of one county syncs together."""
        return f"{self.county}:events"

"""Puts a ranker's decisions on record in Clerestory, and loses none."""

from clerestory_client.client import Client, Reconciled
from clerestory_client.documents import Item
from clerestory_client.spool import Refused, SpoolRefused

__all__ = ["Client", "Item", "Reconciled", "Refused", "SpoolRefused"]

"""What the audit trail keeps. Append-only; no foreign key ever points at a row of it."""

from compliance.audit.models.auditors import AuditorKey
from compliance.audit.models.blobs import Blob, ItemVersion, SealedBlob
from compliance.audit.models.cold import ColdMonth
from compliance.audit.models.holds import LegalHold
from compliance.audit.models.keys import KeyEncryptionKey, KeyTombstone, SubjectKey
from compliance.audit.models.log import LogCheckpoint, LogEntry, LogQueue
from compliance.audit.models.records import AuditEvent, ServeKey, ServeRecord
from compliance.audit.models.streams import StreamOffset
from compliance.audit.models.witnesses import LogCosignature, LogMeter

__all__ = [
    "AuditEvent",
    "AuditorKey",
    "Blob",
    "ColdMonth",
    "ItemVersion",
    "KeyEncryptionKey",
    "KeyTombstone",
    "LegalHold",
    "LogCheckpoint",
    "LogCosignature",
    "LogEntry",
    "LogMeter",
    "LogQueue",
    "SealedBlob",
    "ServeKey",
    "ServeRecord",
    "StreamOffset",
    "SubjectKey",
]

"""How the audit trail's bytes lie in PostgreSQL: packed, sealed, content-addressed, partitioned."""

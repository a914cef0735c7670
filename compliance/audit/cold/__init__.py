"""The cold tier: closed months of the audit store as Parquet files in an Iceberg table, in a folder or in S3."""

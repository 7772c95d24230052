"""The archive: records as a Parquet dataset that any engine can read (docs/archive.md).

Needs pyarrow (the extra `history`), so that nothing here is imported before it is asked for.
"""

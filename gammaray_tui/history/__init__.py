"""Questions to archives, answered by DuckDB, Spark or Athena (docs/history.md)."""

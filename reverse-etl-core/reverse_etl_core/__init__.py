"""What the reverse ETL targets share; it names no vendor."""

"""Bulk API 2.0 ingest: jobs, their CSV, and the worker that writes them row by row."""

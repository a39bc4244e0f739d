"""A Salesforce org behind its REST API: sessions, describe, rows, collections, composite, queries."""

"""What the reverse ETL targets share: order of delivery, ledger, validation, limits, rejects, report."""

"""Singer target for Salesforce: validated, idempotent upserts of records."""

"""Singer target for HubSpot: validated, idempotent upserts of CRM records."""

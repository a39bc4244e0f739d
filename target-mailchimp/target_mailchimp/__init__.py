"""Singer target for Mailchimp: validated, idempotent upserts of audience members, tags and groups."""

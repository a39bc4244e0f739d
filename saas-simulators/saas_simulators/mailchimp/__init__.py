"""Mailchimp's Marketing API: audiences, members, merge fields, tags, interests, batches."""

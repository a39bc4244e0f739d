"""Singer target for {{cookiecutter.title}}: validated, idempotent upserts of records."""

"""`python -m target_mailchimp`."""

from target_mailchimp.target import TargetMailchimp

if __name__ == "__main__":
    TargetMailchimp.cli()

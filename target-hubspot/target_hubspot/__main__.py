"""`python -m target_hubspot`."""

from target_hubspot.target import TargetHubSpot

if __name__ == "__main__":
    TargetHubSpot.cli()

"""`python -m target_salesforce`."""

from target_salesforce.target import TargetSalesforce

if __name__ == "__main__":
    TargetSalesforce.cli()

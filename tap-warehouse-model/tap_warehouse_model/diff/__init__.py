"""Change detection inside the warehouse (`LOG_BASED`): what differs from what was confirmed.

Read `baseline.py` first: the protocol, step by step. `statements.py` has all of its SQL.
"""

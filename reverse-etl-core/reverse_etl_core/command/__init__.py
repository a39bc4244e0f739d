"""The command `reverse-etl`: what a ledger says, for people and scripts; and the few changes that are theirs to make.

`places` finds the ledger, `archive` reads it without changing it, `changes` writes; `words` and `cures` say it in
sentences, `listing` as table, CSV or JSON. The other modules hold the subcommands.
"""

"""The files under `webhook` are laid over a target that is made from the template, and are tested there."""

collect_ignore = ["webhook"]

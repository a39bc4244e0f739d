"""Our tap and targets beside plugins of others, from PyPI."""

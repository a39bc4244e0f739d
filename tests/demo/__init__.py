"""The demo, run as a newcomer runs it."""

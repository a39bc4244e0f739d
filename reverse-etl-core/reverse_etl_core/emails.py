"""Is this an e-mail address? `email-validator` decides; nothing is asked of the network."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email


def is_email(address: str) -> bool:
    """Whether an address is valid by syntax."""
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True

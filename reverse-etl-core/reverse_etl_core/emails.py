"""Is this an e-mail address? `email-validator` decides; the network is asked only where the user wants it."""

from __future__ import annotations

import functools
import logging
import re
from typing import TYPE_CHECKING, Any

from email_validator import (
    SPECIAL_USE_DOMAIN_NAMES,
    EmailNotValidError,
    EmailUndeliverableError,
    caching_resolver,
    validate_email,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_etl_core.config import CommonConfig

logger = logging.getLogger(__name__)

DNS_TIMEOUT_S = 5
DOMAINS_REMEMBERED = 65_536
FRUITLESS_QUESTIONS = 10
"""Questions in a row without an answer after which the DNS is not asked any more: each of them takes its time."""

# source: RFC 2142, "Mailbox names for common services, roles and functions"
_OF_SERVICES = (
    "info marketing sales support abuse noc security postmaster hostmaster usenet news webmaster www uucp ftp"
)
# source: help pages of mailing services about role addresses that they refuse at import, read 2026-11-28
# (mailchimp.com "Limits on Role-based Addresses", getresponse.com "Can I add role email addresses to my list")
_REFUSED_AT_IMPORT = (
    "admin billing compliance devnull dns inoc ispfeedback ispsupport list list-request mailer-daemon maildaemon "
    "no-reply nobody noreply null phish phishing privacy registrar root spam subscribe sysadmin tech "
    "undisclosed-recipients unsubscribe"
)
ROLES = frozenset(f"{_OF_SERVICES} {_REFUSED_AT_IMPORT}".split())
"""Local parts that stand for a task and not for a person."""


# What these patterns take, `email-validator` takes too, at 20 us per address: plain ASCII, no special-use top-level
# domain, and the whole shorter than any limit of a part.
_SPECIAL = "|".join(sorted({name.rsplit(".", 1)[-1] for name in SPECIAL_USE_DOMAIN_NAMES}))
_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
_DOMAIN = re.compile(rf"(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+(?!(?i:{_SPECIAL})\Z)[A-Za-z]{{2,20}}")
PLAIN_LENGTH = 63


class PlainAddresses:
    """Tells addresses that are certainly valid; those of a domain that it has met before at little cost.

    >>> plain = PlainAddresses()
    >>> [plain.has(one) for one in ("ada@example.com", "ada@localhost", "a..b@example.com", "Ada <ada@example.com>")]
    [True, False, False, False]
    """

    def __init__(self) -> None:
        self._domains: set[str] = set()

    def has(self, address: str) -> bool:
        """Whether an address is certainly valid; false says nothing. At most `PLAIN_LENGTH` characters."""
        local, _, domain = address.rpartition("@")
        if domain not in self._domains:
            if _DOMAIN.fullmatch(domain) is None:
                return False
            if len(self._domains) >= DOMAINS_REMEMBERED:
                self._domains.clear()
            self._domains.add(domain)
        return (local.isalnum() and local.isascii()) or _LOCAL.fullmatch(local) is not None


def is_email(address: str) -> bool:
    """Whether an address is valid by syntax."""
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


class EmailRules:
    """What an address has to keep to beyond its syntax. Used by one thread.

    Args:
        rejects_roles: Whether addresses of a role are refused.
        rejects_disposable: Whether addresses of services for throw-away addresses are refused.
        checks_deliverability: Whether the DNS is asked if the domain takes mail.
        resolver: Whom to ask; `None` for the machine's own resolver.
    """

    def __init__(
        self,
        *,
        rejects_roles: bool = False,
        rejects_disposable: bool = False,
        checks_deliverability: bool = False,
        resolver: Any = None,  # noqa: ANN401 - a `dns.resolver.Resolver`, which is slow to import
    ) -> None:
        self._resolver = resolver
        self._fruitless = 0
        self._takes_mail = functools.lru_cache(DOMAINS_REMEMBERED)(self._ask)
        rules: list[tuple[bool, Callable[[str, str], bool], str]] = [
            (rejects_roles, _is_role, "belongs to a role and not to a person ('reject_role_addresses')"),
            (rejects_disposable, _is_disposable, "is a throw-away one ('reject_disposable_addresses')"),
            (checks_deliverability, self._is_undeliverable, "has a domain without mail ('check_deliverability')"),
        ]
        self._rules = [(is_broken, phrase) for is_on, is_broken, phrase in rules if is_on]
        self.is_steady = not checks_deliverability
        """Whether an address that keeps to them today does so tomorrow: what the DNS says changes by itself."""

    @classmethod
    def of(cls, config: CommonConfig) -> EmailRules:
        """The rules that are set."""
        return cls(
            rejects_roles=config.reject_role_addresses,
            rejects_disposable=config.reject_disposable_addresses,
            checks_deliverability=config.check_deliverability,
        )

    def __bool__(self) -> bool:
        return bool(self._rules)

    @property
    def phrases(self) -> tuple[str, ...]:
        """The rules that are set, as ends of sentences."""
        return tuple(phrase for _, phrase in self._rules)

    def problem(self, address: str) -> str | None:
        """Why a valid address is refused all the same, as the end of a sentence; `None` where it is not.

        >>> EmailRules(rejects_roles=True).problem("Info@example.com")
        "belongs to a role and not to a person ('reject_role_addresses')"
        """
        local, _, domain = address.lower().rpartition("@")
        return next((phrase for is_broken, phrase in self._rules if is_broken(local, domain)), None)

    def _is_undeliverable(self, _local: str, domain: str) -> bool:
        return not self._takes_mail(domain)

    def _ask(self, domain: str) -> bool:
        """Whether a domain takes mail, as far as the DNS says; where it says nothing, nobody is refused."""
        if self._fruitless >= FRUITLESS_QUESTIONS:
            return True
        try:
            if self._resolver is None:
                self._resolver = caching_resolver(timeout=DNS_TIMEOUT_S)
            found = validate_email(f"postmaster@{domain}", check_deliverability=True, dns_resolver=self._resolver)
            is_answered, takes_mail = getattr(found, "mx", None) is not None, True
        except EmailUndeliverableError as error:
            is_answered = _says_no(error)
            takes_mail = not is_answered
        except Exception:  # noqa: BLE001 - no resolver is configured, the network is down: no fault of the address
            is_answered, takes_mail = False, True
        self._count(is_answered=is_answered)
        return takes_mail

    def _count(self, *, is_answered: bool) -> None:
        self._fruitless = 0 if is_answered else self._fruitless + 1
        if self._fruitless == FRUITLESS_QUESTIONS:
            logger.warning(
                "The DNS did not answer %d times in a row: 'check_deliverability' has no effect in the rest of this "
                "run. Check the machine's resolver.",
                FRUITLESS_QUESTIONS,
            )


def _says_no(error: EmailUndeliverableError) -> bool:
    """Whether the DNS said so: `email-validator` takes any trouble on the way for a no, too."""
    import dns.resolver  # noqa: PLC0415 - slow, and only needed here

    return error.__cause__ is None or isinstance(error.__cause__, (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer))


def _is_role(local: str, _domain: str) -> bool:
    return local.partition("+")[0] in ROLES


def _is_disposable(_local: str, domain: str) -> bool:
    """Whether the domain, or one that it belongs to, is a service for throw-away addresses."""
    listed = _disposable_domains()
    while "." in domain:
        if domain in listed:
            return True
        domain = domain.partition(".")[2]
    return False


@functools.cache
def _disposable_domains() -> frozenset[str]:
    from disposable_email_domains import blocklist  # noqa: PLC0415 - a long list, only read where it is wanted

    return frozenset(blocklist)

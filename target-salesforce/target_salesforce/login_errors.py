"""What it means when a login is refused: one table from the vendor's codes to what the user can do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reverse_etl_core.errors import AuthError, QuotaExhaustedError, RateLimitedError, UnknownOutcomeError
from target_salesforce import soap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_etl_core.errors import ReverseETLError
    from reverse_etl_core.transport import Reply

_APPROVAL = (
    "The app is not approved for the user. In its policies set 'Permitted Users' to pre-authorized users, and add the "
    "user's profile or a permission set"
)
_NETWORK = "The user may not log in from this network or at this time. Change the login ranges and hours of the profile"
_HOST = "The login does not belong to this host. Set 'login_url' to sandbox for a sandbox, or to the org's My Domain"

_DENIED = (
    "User name, password or security token is wrong, the network is not trusted, or the org blocks the password flow. "
    "Check 'username', 'password' and 'security_token', and 'login_url' for a sandbox; or let the app use client "
    "credentials"
)
_REVOKED = "The refresh token is used up or revoked. Approve the app again, and set the new 'refresh_token'"
_SIGNATURE = "The signature is not accepted. Check that 'private_key' belongs to the certificate of the app 'client_id'"
_RUN_AS = "The app has no user to act as. Enable its client credentials flow, and choose a 'Run As' user"
_CLOCK = "The signed login is out of date. Set the clock of this machine"
_INACTIVE = "The user is deactivated or frozen. Activate it, or use another one"
_SECRET = "Salesforce refuses the app's secret. Check 'client_id' and 'client_secret'"  # noqa: S105 - a sentence
_FLOW = "The app may not log in in this way. Enable the flow in the app"
_ORG = "The org is locked, closed or suspended. Ask Salesforce"

DESCRIPTIONS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), sentence)
    for pattern, sentence in (
        # Of `invalid_grant`, by how the vendor's text begins. source: api/salesforce.md 2.1 (restforce, rudder, help
        # pages); others by user reports, named beside them
        ("authentication failure", _DENIED),
        ("expired access/refresh token", _REVOKED),
        ("user hasn'?t approved this consumer", _APPROVAL),
        ("user is not admin approved", _APPROVAL),
        ("audience (?:validation failed|is invalid)", _HOST),  # Talend/components#1423, forcedotcom/cli#3482
        ("expired authorization code", _CLOCK),  # simple-salesforce#371 and #491: of a signed login
        ("invalid assertion", _SIGNATURE),
        ("request not supported on this domain", _HOST),
        ("no client credentials user enabled", _RUN_AS),
        ("inactive user", _INACTIVE),  # restforce#303
        ("ip restricted", _NETWORK),
    )
)

CODES: dict[str, str] = {
    # OAuth. source: as above
    "invalid_client_id": "Salesforce does not know the app. Check 'client_id', and that the app is of this org",
    "invalid_client": _SECRET,
    "invalid_client_credentials": _SECRET,
    "invalid_app_access": _APPROVAL,
    "app_not_found": "The app is not installed in this org. Install it, and check 'login_url'",  # dust-tt/dust#26727
    "unauthorized_client": _FLOW,
    "unsupported_grant_type": _FLOW,
    "inactive_user": _INACTIVE,
    "inactive_org": _ORG,
    # SOAP. source: partner WSDL v47, ExceptionCode; forcedotcom/wsc#363 and OpenFn/adaptors#1715 for INVALID_OPERATION
    "INVALID_LOGIN": "User name, password or security token is wrong, or the user is locked out. Check 'username', "
    "'password' and 'security_token', and 'login_url' for a sandbox",
    "LOGIN_MUST_USE_SECURITY_TOKEN": "The network is not trusted. Set 'security_token'",
    "INVALID_OPERATION": "The org has switched off SOAP login. Set 'client_id' and 'client_secret' of an app",
    "UNSUPPORTED_API_VERSION": "Salesforce has retired SOAP login. Set 'client_id' and 'client_secret' of an app",
    "INVALID_OPERATION_WITH_EXPIRED_DENIED": "The password has expired. Change it, and set 'password' and the new "
    "'security_token'",
    "PASSWORD_LOCKOUT": "The user is locked out after too many attempts. Unlock it, and check 'password'",
    "LOGIN_DURING_RESTRICTED_DOMAIN": _NETWORK,
    "LOGIN_DURING_RESTRICTED_TIME": _NETWORK,
    "API_DISABLED_FOR_ORG": "The org or the user has no API. Give the user the permission 'API Enabled'",
    "ORG_LOCKED": _ORG,
    "TRIAL_EXPIRED": _ORG,
}

# Passing ones. source: REST API Developer Guide, "OAuth 2.0 Errors"; partner WSDL v47
TRY_LATER = frozenset({"rate_limit_exceeded", "REQUEST_LIMIT_EXCEEDED"})
PASSING = frozenset({"SERVER_UNAVAILABLE", "ORG_IN_MAINTENANCE", "UNKNOWN_EXCEPTION", "Server"})

_CODE = re.compile(r"[A-Za-z_]{1,60}")
_TOO_MANY = 429
_SERVER_ERROR = 500
_OK = 200


def failure(reply: Reply, settings: Sequence[str]) -> ReverseETLError | None:
    """The error that a reply to a login amounts to; `None` for one that can be read.

    Args:
        reply: Of the token endpoint, or of the SOAP login.
        settings: Those of this login, named where nothing better is known. Vendors' texts are never quoted.
    """
    code, description = _complaint(reply)
    if reply.status == _OK and not code:
        return None
    if code in TRY_LATER:
        return QuotaExhaustedError(f"Salesforce takes no more logins for now ({code}). Run again later.")
    if reply.status == _TOO_MANY:
        return RateLimitedError("Salesforce asks to log in later (HTTP 429).")
    if code in PASSING or (reply.status >= _SERVER_ERROR and not code):
        return UnknownOutcomeError(f"Salesforce's login failed to answer (HTTP {reply.status}).")
    names = ", ".join(f"'{name}'" for name in (*settings, "login_url"))
    if not code:
        return AuthError(
            f"What answers at 'login_url' is not Salesforce's login (HTTP {reply.status}). Check {names}; behind a My "
            "Domain that changed, or a proxy, the address is another one."
        )
    sentence = _sentence(code, description) or f"Salesforce refuses the login. Check {names}"
    return AuthError(f"{sentence} ({code}).")


def _sentence(code: str, description: str) -> str | None:
    known = (sentence for pattern, sentence in DESCRIPTIONS if pattern.match(description))
    return CODES.get(code) or next(known, None)


def _complaint(reply: Reply) -> tuple[str, str]:
    """The vendor's code and text; both empty where there is none."""
    body = reply.json_or_none()
    if isinstance(body, dict):
        code, description = str(body.get("error") or ""), str(body.get("error_description") or "")
    else:
        found = soap.elements(reply.body)
        code = found.get("exceptionCode") or found.get("faultcode", "").rpartition(":")[2]
        description = ""
    return (code, description) if _CODE.fullmatch(code) else ("", "")

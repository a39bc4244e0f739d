"""The SOAP login, a legacy: its request and its answers; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from reverse_etl_core.transport import Request

if TYPE_CHECKING:
    from target_salesforce.logins import SoapLogin

# source: help.salesforce.com 005132110, "Platform SOAP API login() Retirement": not in 65.0 and later, and until
# Summer '27 in older ones. The session is one for every API and version.
LAST_VERSION = 64

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">'
    "<soapenv:Body><login><username>{username}</username><password>{password}</password></login></soapenv:Body>"
    "</soapenv:Envelope>"
)


def build(login: SoapLogin, api_version: str) -> Request:
    """The request of a login, in the newest version that has it."""
    version = min(LAST_VERSION, int(api_version.partition(".")[0]))
    return Request(
        "POST",
        f"/services/Soap/u/{version}.0",
        text=_ENVELOPE.format(username=escape(login.username), password=escape(login.password.reveal())),
        headers={"Content-Type": "text/xml; charset=UTF-8", "Accept": "text/xml", "SOAPAction": "login"},
        is_public=True,
    )


def elements(body: bytes) -> dict[str, str]:
    """The texts of an answer by the names of their elements; empty where it is not the XML of an API.

    >>> elements(b"<a xmlns='urn:x'><sessionId>s</sessionId></a>")["sessionId"]
    's'
    >>> elements(b"<!DOCTYPE html><html></html>")
    {}
    """
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        return {}  # no API declares any, and an entity could be expanded without end
    try:
        root = ET.fromstring(body)  # noqa: S314 - without declarations there is nothing to expand
    except (ET.ParseError, ValueError, LookupError):  # the last two: an encoding that Python does not know
        return {}
    return {one.tag.rpartition("}")[2]: (one.text or "").strip() for one in root.iter()}

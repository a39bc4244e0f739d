"""The SOAP login: a session for a user name and a password, without a client."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from saas_simulators.exchange import Reply
from saas_simulators.salesforce.tokens import EXPIRING, INVALID, own_url

if TYPE_CHECKING:
    from saas_simulators.exchange import Request
    from saas_simulators.salesforce.state import Org

PATH = re.compile(r"/services/Soap/[uc]/(\d+)\.0(?:/\w+)?/?")
FIRST_WITHOUT_LOGIN = 65  # source: jsforce comment and release notes: login() ends with v64
XML = "text/xml; charset=utf-8"  # source: recording grouparoo soap_login_v42
FAULT = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><faultcode>{code}</faultcode>'
    "<faultstring>{code}: {text}</faultstring><detail><sf:LoginFault><sf:exceptionCode>{code}</sf:exceptionCode>"
    "<sf:exceptionMessage>{text}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault></soapenv:Body>"
    "</soapenv:Envelope>"
)
# source: recording grouparoo soap_login_v42 (elements; a selection of userInfo)
RESULT = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns="urn:partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
    "<loginResponse><result><metadataServerUrl>{url}/services/Soap/m/{version}.0/{org15}</metadataServerUrl>"
    "<passwordExpired>false</passwordExpired><sandbox>false</sandbox>"
    "<serverUrl>{url}/services/Soap/u/{version}.0/{org15}</serverUrl><sessionId>{token}</sessionId>"
    "<userId>{user}</userId><userInfo><organizationId>{org}</organizationId>"
    "<sessionSecondsValid>7200</sessionSecondsValid><userId>{user}</userId><userName>{name}</userName>"
    "<userType>Standard</userType></userInfo></result></loginResponse></soapenv:Body></soapenv:Envelope>"
)


def login(org: Org, request: Request) -> Reply:
    """Answer a SOAP call; only `login` is known."""
    match = PATH.fullmatch(request.path)
    if match is None or int(match[1]) >= FIRST_WITHOUT_LOGIN:
        # inferred: the fault; that login() is gone from v65 is documented
        return _fault("UNSUPPORTED_API_VERSION", "SOAP API login() is disabled by default in this org.")
    username, password = _credentials(request.body)
    if not username or not password or username.startswith(INVALID) or password.startswith(INVALID):
        # source: simple-salesforce tests
        return _fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
    credential = next((one for one in (username, password) if one.startswith(EXPIRING)), username)
    body = RESULT.format(
        url=own_url(request),
        version=match[1],
        org=org.id,
        org15=org.id[:15],
        token=org.tokens.issue(credential),
        user=org.user_id,
        name=escape(username),
    )
    return Reply(200, body.encode(), XML)


def _credentials(body: bytes) -> tuple[str, str]:
    """Return user name and password; documents with their own entities are refused unread."""
    if b"<!" in body.replace(b"<![CDATA[", b""):
        return "", ""
    try:
        root = ET.fromstring(body)  # noqa: S314 - without declarations there are no entities to expand
    except ET.ParseError:
        return "", ""
    found = {element.tag.rpartition("}")[2]: (element.text or "") for element in root.iter()}
    return found.get("username", ""), found.get("password", "")


def _fault(code: str, text: str) -> Reply:
    return Reply(500, FAULT.format(code=code, text=escape(text)).encode(), XML)

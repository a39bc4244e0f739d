"""Mailchimp's refusals: one class, and a function for each body that was recorded, quoted or documented."""

from __future__ import annotations

import secrets
from typing import Any

from saas_simulators.exchange import HTML_TYPE, Reply, encode_json

# source: recordings grouparoo 2021 (headers, type); the older type is in the recordings of 2016
JSON_TYPE = "application/json; charset=utf-8"
PROBLEM_TYPE = "application/problem+json; charset=utf-8"
GLOSSARY = "https://mailchimp.com/developer/marketing/docs/errors/"
API = "https://us1.api.mailchimp.com"
INVALID_RESOURCE = "Invalid Resource"
NOT_VALIDATED = "The resource submitted could not be validated. For field-specific details, see the 'errors' array."
# source: bodies quoted 2021 to 2025 (ibericode/mailchimp-for-wordpress#771, #798, Setono/SyliusMailchimpPlugin#90)
WITHOUT_TYPE = {"Member Exists", "Member In Compliance State", "Forgotten Email Not Subscribed"}

Problems = list[dict[str, str]]


class MailchimpError(Exception):
    """A request is refused with `status` and a problem document."""

    def __init__(self, status: int, title: str, detail: str, problems: Problems | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.problems = problems or []
        self.headers: dict[str, str] = {}

    def document(self, instance: str) -> dict[str, Any]:
        """Return the body in the order of keys that Mailchimp uses; `instance` is empty inside batch results."""
        body: dict[str, Any] = {} if self.title in WITHOUT_TYPE else {"type": GLOSSARY}
        body |= {"title": self.title, "status": self.status, "detail": str(self), "instance": instance}
        return body | ({"errors": self.problems} if self.problems else {})

    def reply(self) -> Reply:
        """Return the refusal; its `instance` is the request id."""
        request_id = new_request_id()
        headers = {
            "X-Request-Id": request_id,
            "Link": f'<{API}/schema/3.0/Definitions/ProblemDetailDocument.json>; rel="describedBy"',
            **self.headers,
        }
        return Reply(self.status, encode_json(self.document(request_id)), PROBLEM_TYPE, headers)


def new_request_id() -> str:
    """Return a request id, UUID-shaped."""
    text = secrets.token_hex(16)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def invalid(detail: str, problems: Problems | None = None) -> MailchimpError:
    """Return a 400 of the title that most refusals share."""
    return MailchimpError(400, INVALID_RESOURCE, detail, problems)


def not_validated(problems: Problems) -> MailchimpError:
    """Return the refusal of a body that does not fit the schema."""
    # source: OperationCode/operationcode_old_site#692, drewm/mailchimp-api#212
    return invalid(NOT_VALIDATED, problems)


def problem(field: str, message: str) -> MailchimpError:
    """Return the refusal of one field by the schema."""
    return not_validated([{"field": field, "message": message}])


SCHEMA_NAMES: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    dict: "object",
    list: "array",
}


def schema_name(value: object) -> str:
    """Return the name that schema errors have for a JSON value's type."""
    # source: drewm/mailchimp-api#212: "Schema describes string, NULL found instead"
    return "NULL" if value is None else SCHEMA_NAMES[type(value)]


def wrong_type(value: object, wanted: str, field: str) -> MailchimpError:
    """Return the refusal of a value of the wrong JSON type."""
    return problem(field, f"Schema describes {wanted}, {schema_name(value)} found instead")


def missing(names: list[str]) -> MailchimpError:
    """Return the refusal of a body that lacks fields."""
    # source: drewm/mailchimp-api#212 (the field is empty there)
    return problem("", f"Required fields were not provided: {', '.join(names)}")


def bad_merge_fields(problems: Problems) -> MailchimpError:
    """Return the refusal of merge values."""
    # source: recording grouparoo 2021, mailchimp-for-wordpress#545
    return invalid("Your merge fields were invalid.", problems)


def not_found() -> MailchimpError:
    """Return the 404 of everything that does not exist."""
    # source: recordings grouparoo 2021, dominicsayers 2017
    return MailchimpError(404, "Resource Not Found", "The requested resource could not be found.")


def not_allowed(methods: list[str], detail: str = "") -> MailchimpError:
    """Return the 405 of a method that a path does not know, or that this member does not take."""
    # source: drewm/mailchimp-api#198 (the text for wrong methods); recording grouparoo 2021 (Allow)
    text = (
        "The requested method and resource are not compatible. "
        "See the Allow header for this resource's available methods."
    )
    error = MailchimpError(405, "Method Not Allowed", detail or text)
    error.headers["Allow"] = ", ".join(methods)
    return error


def key_invalid() -> MailchimpError:
    """Return the refusal of a missing, unknown or expired credential."""
    # source: recordings dominicsayers 2016; inferred: an expired key gets the same answer
    detail = "Your API key may be invalid, or you've attempted to access the wrong datacenter."
    return MailchimpError(401, "API Key Invalid", detail)


def bad_json() -> MailchimpError:
    """Return the refusal of a body that is not JSON."""
    # source: error glossary "JSONParseError"; the title as it is printed is inferred
    return MailchimpError(400, "JSON Parse Error", "We encountered an unspecified JSON parsing error.")


def too_many(limit: int | None = 10, retry_after: float | None = None) -> MailchimpError:
    """Return the documented 429."""
    # source: error glossary "TooManyRequests"; the body was never recorded
    error = MailchimpError(
        429, "Too Many Requests", f"You have exceeded the limit of {limit} simultaneous connections."
    )
    if retry_after is not None:
        error.headers["Retry-After"] = f"{retry_after:g}"
    return error


def edge_page(status: int) -> Reply:
    """Return the page with which the edge refuses heavy traffic: HTML, whatever the client accepts."""
    # source: api-evangelist/mailchimp (403, 429, 503 from Akamai); the page is of their usual form
    reference = f"18.{secrets.token_hex(4)}.{secrets.randbelow(2**31)}.{secrets.token_hex(4)}"
    title = "Access Denied" if status == 403 else f"{status} Error"  # noqa: PLR2004 - the status itself
    page = (
        f"<HTML><HEAD>\n<TITLE>{title}</TITLE>\n</HEAD><BODY>\n<H1>{title}</H1>\n \n"
        "You don't have permission to access this resource on this server.<P>\n"
        f"Reference&#32;&#35;{reference.replace('.', '&#46;')}\n</BODY>\n</HTML>\n"
    )
    return Reply(status, page.encode(), HTML_TYPE)


# about one member


def member_exists(email: str) -> MailchimpError:
    """Return the refusal of an address that another member, or this one already, has."""
    # source: recordings dominicsayers 2016 (POST), grouparoo 2021 (PUT)
    detail = f"{email} is already a list member. Use PUT to insert or update list members."
    return MailchimpError(400, "Member Exists", detail)


def in_compliance(email: str) -> MailchimpError:
    """Return the refusal to subscribe who left or bounced."""
    # source: quoted 2020 to 2025, mailchimp-for-wordpress#798 and others
    detail = (
        f"{email} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed."
    )
    return MailchimpError(400, "Member In Compliance State", detail)


def forgotten(email: str) -> MailchimpError:
    """Return the refusal of an address that was permanently deleted."""
    # source: quoted 2020 to 2023, mailchimp-for-wordpress#666, #771
    detail = (
        f"{email} was permanently deleted and cannot be re-imported. "
        "The contact must re-subscribe to get back on the list."
    )
    return MailchimpError(400, "Forgotten Email Not Subscribed", detail)


def bad_email() -> MailchimpError:
    """Return the refusal of what is no address."""
    # source: recording grouparoo 2021
    return invalid("Please provide a valid email address.")


def fake_email(email: str) -> MailchimpError:
    """Return the refusal of an address that nobody has."""
    # source: recording grouparoo 2021, for foo@example.com
    return invalid(f"{email} looks fake or invalid, please enter a real email address.")


def too_many_signups(email: str) -> MailchimpError:
    """Return the refusal of an address that joined many lists lately; it passes with time."""
    # source: quoted by users, see Stack Overflow 41160763
    return invalid(f"{email} has signed up to a lot of lists very recently; we're not allowing more signups for now")

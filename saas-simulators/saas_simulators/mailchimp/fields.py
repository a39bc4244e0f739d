"""Merge fields: what an audience knows of its members besides the address."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from saas_simulators.mailchimp.errors import SCHEMA_NAMES, MailchimpError, invalid, missing, problem, wrong_type
from saas_simulators.mailchimp.values import RULES

MAX_TAG = 10  # source: mailchimp/mc-magento#1140 and the merge-field reference
# source: Mailchimp help "All the merge tags" (reserved words)
RESERVED = {
    "EMAIL",
    "EMAIL_TYPE",
    "INTERESTS",
    "UNSUB",
    "FORWARD",
    "REWARDS",
    "ARCHIVE",
    "USER_URL",
    "DATE",
    "TO",
}
CHANGEABLE = ("name", "required", "default_value", "public", "display_order", "help_text")
KINDS = {
    "name": str,
    "tag": str,
    "type": str,
    "required": bool,
    "default_value": str,
    "public": bool,
    "display_order": int,
    "help_text": str,
    "options": dict,
}
_TAG = re.compile(r"[A-Z0-9_]+")


@dataclass(slots=True)
class MergeField:
    """One merge field; `options` holds what its type needs."""

    merge_id: int
    tag: str
    name: str
    type: str
    required: bool = False
    default_value: str = ""
    public: bool = False
    display_order: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    help_text: str = ""

    def as_json(self, list_id: str) -> dict[str, Any]:
        """Return the field as the API shows it."""
        # source: recording grouparoo 2021 (keys and their order)
        return {
            "merge_id": self.merge_id,
            "tag": self.tag,
            "name": self.name,
            "type": self.type,
            "required": self.required,
            "default_value": self.default_value,
            "public": self.public,
            "display_order": self.display_order,
            "options": self.options,
            "help_text": self.help_text,
            "list_id": list_id,
        }


class MergeFields:
    """The merge fields of one audience, by tag, in the order in which they came."""

    def __init__(self) -> None:
        self.by_tag: dict[str, MergeField] = {}
        self.blank: dict[str, str] = {}
        self.required: list[str] = []
        self.last_id = 0

    def find(self, merge_id: str) -> MergeField | None:
        """Return the field of this id."""
        return next((one for one in self.by_tag.values() if str(one.merge_id) == merge_id), None)

    def create(self, spec: dict[str, Any]) -> MergeField:
        """Add a field as a request describes it.

        Raises:
            MailchimpError: Something is missing, of the wrong type, too long or taken.
        """
        check_kinds(spec)
        if lacking := [name for name in ("name", "type") if not spec.get(name)]:
            raise missing(lacking)
        kind = spec["type"]
        if kind not in RULES:
            # inferred: the text for a type that does not exist
            listed = ", ".join(RULES)
            raise problem(field="type", message=f"Value must be one of: {listed} (not {kind})")
        tag = self._free_tag(spec["tag"]) if spec.get("tag") else self._made_tag(spec["name"])
        self.last_id += 1
        made = MergeField(self.last_id, tag, spec["name"], kind, display_order=self.last_id + 1)
        made.options = _options(kind, spec.get("options", {}))
        self._assign(made, spec)
        self.by_tag[tag] = made
        self.refresh()
        return made

    def update(self, one: MergeField, spec: dict[str, Any]) -> str:
        """Change a field, and return its former tag; the type stays as it is (inferred)."""
        check_kinds(spec)
        former = one.tag
        if "options" in spec:
            one.options = _options(one.type, {**one.options, **spec["options"]})
        if spec.get("tag") and spec["tag"].upper() != former:
            one.tag = self._free_tag(spec["tag"])
        self._assign(one, spec)
        self.by_tag = {other.tag: other for other in self.by_tag.values()}
        self.refresh()
        return former

    def remove(self, one: MergeField) -> None:
        """Remove a field."""
        del self.by_tag[one.tag]
        self.refresh()

    def refresh(self) -> None:
        """Renew what every write and answer needs: the empty values, and the required tags."""
        self.blank = dict.fromkeys(self.by_tag, "")
        self.required = [one.tag for one in self.by_tag.values() if one.required]

    @staticmethod
    def _assign(one: MergeField, spec: dict[str, Any]) -> None:
        for name in CHANGEABLE:
            if name in spec:
                setattr(one, name, spec[name])

    def _free_tag(self, given: str) -> str:
        tag = given.upper()
        if len(tag) > MAX_TAG or not _TAG.fullmatch(tag):
            # inferred: the limit is evidenced, its text is not
            raise problem(
                field="tag", message=f"Merge tags have up to {MAX_TAG} characters: letters, digits and underscores"
            )
        if tag in self.by_tag or tag in RESERVED:
            # inferred: the text
            detail = f'A Merge Field with the tag "{tag}" already exists for this list.'
            raise invalid(detail)
        return tag

    def _made_tag(self, name: str) -> str:
        """Make a tag of the name, or MMERGEn where that is taken."""
        tag = re.sub(r"[^A-Z0-9_]", "", name.upper())[:MAX_TAG]
        try:
            return self._free_tag(tag)
        except MailchimpError:
            return f"MMERGE{self.last_id + 1}"


def check_kinds(spec: dict[str, Any]) -> None:
    """Refuse values of the wrong JSON type."""
    for name, kind in KINDS.items():
        value = spec.get(name)
        if name in spec and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise wrong_type(value, SCHEMA_NAMES[kind], name)


def _options(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return a field's options with the defaults of its type."""
    # source: recording grouparoo 2021 (text, address, phone, date, number)
    defaults: dict[str, dict[str, Any]] = {
        "text": {"size": 25},
        "address": {"default_country": 164},
        "phone": {"phone_format": "none"},
        "date": {"date_format": "MM/DD/YYYY"},
        "birthday": {"date_format": "MM/DD"},
    }
    options = {**defaults.get(kind, {}), **given}
    if kind in {"radio", "dropdown"}:
        choices = options.get("choices")
        if not isinstance(choices, list) or not choices:
            # inferred: the text
            raise problem(field="options.choices", message="Please provide at least one choice")
        options["choices"] = [str(choice) for choice in choices]
    return options

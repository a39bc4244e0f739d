"""Interest categories (groups) and their interests."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from saas_simulators.mailchimp.audience import Category, Interest
from saas_simulators.mailchimp.calls import Call, answer, links, no_content, page
from saas_simulators.mailchimp.errors import invalid, missing, not_found, problem

if TYPE_CHECKING:
    from saas_simulators.exchange import Reply
    from saas_simulators.mailchimp.audience import Audience

TYPES = ("checkboxes", "dropdown", "radio", "hidden")  # source: API reference "Interest categories"


def categories(call: Call) -> Reply:
    """Return one page of categories."""
    audience = call.audience
    found = list(audience.categories.values())
    body = {
        "list_id": audience.id,
        "categories": [_category(audience, one) for one in page(call, found)],
        "total_items": len(found),
        "_links": links(f"/lists/{audience.id}/interest-categories", ("create", "", "POST")),
    }
    return answer(call, body, "Lists/InterestCategories/Collection")


def category(call: Call) -> Reply:
    """Return one category."""
    return answer(call, _category(call.audience, _find(call)), "Lists/InterestCategories/Instance")


def create_category(call: Call) -> Reply:
    """Create a category; 200, not 201."""
    body = call.object_body()
    title, kind = _text(body, "title"), _text(body, "type")
    return answer(
        call,
        _category(call.audience, add_category(call.audience, title, kind)),
        "Lists/InterestCategories/Instance",
    )


def update_category(call: Call) -> Reply:
    """Change a category's title."""
    one, body = _find(call), call.object_body()
    if "title" in body:
        one.title = _text(body, "title")
    return answer(call, _category(call.audience, one), "Lists/InterestCategories/Instance")


def remove_category(call: Call) -> Reply:
    """Remove a category with its interests."""
    one = _find(call)
    for interest in one.interests:
        _drop(call.audience, interest.id)
    del call.audience.categories[one.id]
    call.audience.define("interest_category_deleted", one.title)
    return no_content()


def listing(call: Call) -> Reply:
    """Return one page of a category's interests."""
    audience, one = call.audience, _find(call)
    path = f"/lists/{audience.id}/interest-categories/{one.id}/interests"
    body = {
        "interests": [_shown(audience, one, interest) for interest in page(call, one.interests)],
        "list_id": audience.id,
        "category_id": one.id,
        "total_items": len(one.interests),
        "_links": links(path, ("create", "", "POST")),
    }
    return answer(call, body, "Lists/Interests/Collection")


def get(call: Call) -> Reply:
    """Return one interest."""
    one = _find(call)
    return answer(call, _shown(call.audience, one, _interest(call, one)), "Lists/Interests/Instance")


def create(call: Call) -> Reply:
    """Create an interest; 200, not 201."""
    audience, one = call.audience, _find(call)
    made = add_interest(audience, one, _text(call.object_body(), "name"))
    return answer(call, _shown(audience, one, made), "Lists/Interests/Instance")


def update(call: Call) -> Reply:
    """Rename an interest."""
    one = _find(call)
    interest = _interest(call, one)
    interest.name = _text(call.object_body(), "name")
    return answer(call, _shown(call.audience, one, interest), "Lists/Interests/Instance")


def remove(call: Call) -> Reply:
    """Remove an interest."""
    one = _find(call)
    interest = _interest(call, one)
    one.interests.remove(interest)
    _drop(call.audience, interest.id)
    call.audience.define("interest_deleted", interest.name)
    return no_content()


def add_category(audience: Audience, title: str, kind: str) -> Category:
    """Add a category to an audience.

    Raises:
        MailchimpError: 400; the title is taken, or the type is none.
    """
    if kind not in TYPES:
        raise problem(field="type", message=f"Value must be one of: {', '.join(TYPES)} (not {kind})")
    if any(one.title == title for one in audience.categories.values()):
        # source: recording dominicsayers 2016
        detail = f"An interest category with the title '{title}' already exists."
        raise invalid(detail)
    made = Category(_new_id(audience, title), title, kind, len(audience.categories))
    audience.categories[made.id] = made
    audience.define("interest_category_created", title)
    return made


def add_interest(audience: Audience, one: Category, name: str) -> Interest:
    """Add an interest to a category.

    Raises:
        MailchimpError: 400; the category has one of this name.
    """
    if any(interest.name == name for interest in one.interests):
        # source: recording dominicsayers 2016
        detail = f'Cannot add "{name}" because it already exists on the list.'
        raise invalid(detail)
    order = max((interest.display_order for interest in one.interests), default=0) + 1
    made = Interest(_new_id(audience, f"{one.id} {name}"), name, order)
    one.interests.append(made)
    audience.define("interest_created", name)
    return made


def _new_id(audience: Audience, text: str) -> str:
    """Return an id of ten hexadecimal digits that is the same in every run."""
    number = len(audience.interests()) + len(audience.categories)
    return hashlib.md5(f"{audience.id} {number} {text}".encode(), usedforsecurity=False).hexdigest()[:10]


def _drop(audience: Audience, interest_id: str) -> None:
    for member in audience.members.values():
        member.interests.pop(interest_id, None)


def _find(call: Call) -> Category:
    found = call.audience.categories.get(call.parameters["category_id"])
    if found is None:
        raise not_found()
    return found


def _interest(call: Call, one: Category) -> Interest:
    for interest in one.interests:
        if interest.id == call.parameters["interest_id"]:
            return interest
    raise not_found()


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise missing([name])
    return value.strip()


def _category(audience: Audience, one: Category) -> dict[str, Any]:
    # source: recording dominicsayers 2016 (keys and their order)
    path = f"/lists/{audience.id}/interest-categories/{one.id}"
    return {
        "list_id": audience.id,
        "id": one.id,
        "title": one.title,
        "display_order": one.display_order,
        "type": one.type,
        "_links": links(path, ("update", "", "PATCH"), ("delete", "", "DELETE"), ("interests", "/interests", "GET")),
    }


def _shown(audience: Audience, one: Category, interest: Interest) -> dict[str, Any]:
    # source: recording dominicsayers 2016 (keys; the count is a string)
    path = f"/lists/{audience.id}/interest-categories/{one.id}/interests/{interest.id}"
    count = sum(member.interests.get(interest.id, False) for member in audience.members.values())
    return {
        "category_id": one.id,
        "list_id": audience.id,
        "id": interest.id,
        "name": interest.name,
        "subscriber_count": str(count),
        "display_order": interest.display_order,
        "_links": links(path, ("update", "", "PATCH"), ("delete", "", "DELETE")),
    }

from __future__ import annotations

from typing import Any

import pytest

from reverse_etl_core.errors import ConfigError
from target_mailchimp.config import MAILCHIMP_SETTINGS, ApiKey, MailchimpConfig, OAuthToken

KEY = {"api_key": "0123SECRET-us6"}
TOKEN = {"access_token": "oauth-SECRET"}


def problems_of(**config: Any) -> tuple[str, ...]:
    """What is wrong with a configuration."""
    with pytest.raises(ConfigError) as caught:
        MailchimpConfig.from_mapping(config)
    assert "SECRET" not in str(caught.value)
    return caught.value.problems


def test_a_key_is_enough() -> None:
    """A key names its data centre, and the rest has defaults that mail and change as little as can be (G10)."""
    config = MailchimpConfig.from_mapping({"api_key": " 0123SECRET-us6\n"})
    assert isinstance(config.credentials, ApiKey)
    assert config.credentials.key.reveal() == "0123SECRET-us6"
    assert config.api_url == "https://us6.api.mailchimp.com"
    assert (config.status_if_new, config.resubscribe, config.revive_archived) == ("subscribed", "never", False)
    assert (config.list_id, config.tag_prefix) == (None, None)
    assert (config.create_merge_fields, config.skip_merge_validation) == (False, False)


def test_a_token_may_leave_the_data_centre_to_mailchimp() -> None:
    """Without a prefix the address is asked for; with one it is known."""
    config = MailchimpConfig.from_mapping(TOKEN)
    assert isinstance(config.credentials, OAuthToken)
    assert config.api_url is None
    assert MailchimpConfig.from_mapping({**TOKEN, "server_prefix": "US21"}).api_url == "https://us21.api.mailchimp.com"


@pytest.mark.parametrize("config", [KEY, TOKEN])
def test_secrets_do_not_show(config: dict[str, str]) -> None:
    """Neither repr nor str of the configuration shows a credential (G7)."""
    parsed = MailchimpConfig.from_mapping(config)
    assert "SECRET" not in f"{parsed!r}{parsed}"


def test_missing_credentials_name_both_ways() -> None:
    """Without credentials both ways to give them are named."""
    (problem,) = problems_of()
    assert "'api_key'" in problem
    assert "'access_token'" in problem


def test_both_credentials_are_one_too_many() -> None:
    """A key and a token together are ambiguous."""
    assert len(problems_of(**KEY, **TOKEN)) == 1


@pytest.mark.parametrize("key", ["0123SECRET", "0123SECRET-", "0123SECRET-US 6", "-us6", "SECRET-us6/x", 5])
def test_what_cannot_be_a_key_is_refused(key: object) -> None:
    """A key without its data centre, or one from which no host may be made, is refused without being shown."""
    if key == "-us6":
        assert MailchimpConfig.from_mapping({"api_key": key}).api_url == "https://us6.api.mailchimp.com"
    else:
        assert len(problems_of(api_key=key)) == 1


def test_a_key_needs_no_data_centre_where_the_address_is_given() -> None:
    """A simulator or proxy takes any key."""
    url = "http://127.0.0.1:8765"
    assert MailchimpConfig.from_mapping({"api_key": "any", "api_url": url}).api_url == url


def test_a_prefix_that_contradicts_the_key_is_refused() -> None:
    """One of the two is wrong; the same one twice is fine."""
    assert len(problems_of(**KEY, server_prefix="us7")) == 1
    assert MailchimpConfig.from_mapping({**KEY, "server_prefix": "us6"}).api_url == "https://us6.api.mailchimp.com"


@pytest.mark.parametrize("prefix", ["https://us6.api.mailchimp.com", "evil.example.com/", "us", "6"])
def test_what_is_no_data_centre_is_refused(prefix: str) -> None:
    """Nothing but a data centre becomes part of a host."""
    assert len(problems_of(**TOKEN, server_prefix=prefix)) == 1


@pytest.mark.parametrize("url", ["", "nowhere", "http://us6.api.mailchimp.com", "https://user:SECRET@host", 7])
def test_bad_addresses_are_refused(url: object) -> None:
    """An address that cannot be called, or over which a key would leak, is refused without being shown."""
    assert len(problems_of(**KEY, api_url=url)) == 1


@pytest.mark.parametrize("url", ["https://proxy.example.com/mc", "http://localhost:1", "https://us6.api.mailchimp.com"])
@pytest.mark.parametrize("ending", ["", "/", "/3.0", "/3.0/"])
def test_good_addresses_are_taken(url: str, ending: str) -> None:
    """With or without the version at the end, which Mailchimp's own clients want."""
    assert MailchimpConfig.from_mapping({**KEY, "api_url": url + ending}).api_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status_if_new", "cleaned"),
        ("status_if_new", "archived"),
        ("resubscribe", "yes"),
        ("revive_archived", "maybe"),
        ("tag_prefix", "  "),
        ("create_merge_fields", 1),
        ("skip_merge_validation", "no"),
        ("list_id", 7),
    ],
)
def test_what_a_setting_does_not_take_is_refused(name: str, value: object) -> None:
    """Each is named."""
    (problem,) = problems_of(**KEY, **{name: value})
    assert f"'{name}'" in problem


def test_the_blank_at_the_end_of_a_tag_prefix_belongs_to_it() -> None:
    """`crm: ` manages `crm: vip` and not `crm:old`."""
    assert MailchimpConfig.from_mapping({**KEY, "tag_prefix": " crm: "}).tag_prefix == "crm: "


def test_environment_variables_have_text_for_flags() -> None:
    """As Meltano passes them on."""
    assert MailchimpConfig.from_mapping({**KEY, "revive_archived": "true"}).revive_archived


def test_all_problems_come_at_once() -> None:
    """One error lists every bad setting."""
    problems = problems_of(api_url="nowhere", server_prefix="x", resubscribe="SECRET", tag_prefix=" ")
    assert len(problems) == 5


def test_secret_settings_are_marked() -> None:
    """Meltano hides what is marked as secret, and every setting is described."""
    assert {one.name for one in MAILCHIMP_SETTINGS if one.secret} == {"api_key", "access_token"}
    assert all(one.description for one in MAILCHIMP_SETTINGS)

"""The official client, unchanged, against the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hubspot import HubSpot
from hubspot.crm.associations.v4 import AssociationSpec
from hubspot.crm.associations.v4.schema import PublicAssociationDefinitionCreateRequest
from hubspot.crm.contacts import (
    ApiException,
    BatchInputSimplePublicObjectBatchInputForCreate,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchInputSimplePublicObjectId,
    BatchReadInputSimplePublicObjectId,
    PublicGdprDeleteInput,
    PublicMergeInput,
    PublicObjectSearchRequest,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.lists import ListCreateRequest, ListSearchRequest, MembershipChangeRequest
from hubspot.crm.properties import PropertyCreate
from hubspot.crm.schemas import ObjectSchemaEgg, ObjectTypeDefinitionLabels, ObjectTypePropertyCreate

if TYPE_CHECKING:
    from saas_simulators import SimulatorServer


@pytest.fixture
def client(server: SimulatorServer) -> Any:
    """The official client, pointed at the simulator."""
    return HubSpot(access_token="pat-na1-test", host=server.url, base_url=server.url)


def test_crud_of_one_contact(client: Any) -> None:
    """Create, read, update, archive and list work through the client's models."""
    api = client.crm.contacts.basic_api
    made = api.create(SimplePublicObjectInputForCreate(properties={"email": "Ada@example.com", "plan": "pro"}))
    assert made.properties["lifecyclestage"] == "lead"
    api.update(made.id, SimplePublicObjectInput(properties={"city": "London"}))
    read = api.get_by_id("ada@example.com", id_property="email", properties=["city", "plan", "zip"])
    assert (read.id, read.properties["city"], read.properties["zip"]) == (made.id, "London", None)
    assert [found.id for found in api.get_page(limit=5).results] == [made.id]
    api.archive(made.id)
    assert api.get_page(limit=5).results == []
    assert [found.id for found in api.get_page(limit=5, archived=True).results] == [made.id]


def test_missing_contact_is_an_api_exception(client: Any) -> None:
    """A missing record is a 404 that the client can read."""
    with pytest.raises(ApiException) as caught:
        client.crm.contacts.basic_api.get_by_id("1")
    assert caught.value.status == 404
    assert "resource not found" in caught.value.body


def test_batch_upsert_and_read(client: Any) -> None:
    """Batch answers become the client's response models, with errors on 207."""
    api = client.crm.contacts.batch_api
    inputs = [
        {"id": f"C{n}", "idProperty": "customer_id", "objectWriteTraceId": str(n), "properties": {"firstname": name}}
        for n, name in enumerate(["Ada", "Bob"])
    ]
    done = api.upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs))
    assert {result.new for result in done.results} == {True}
    inputs[0]["properties"]["plan"] = "gold"
    partial = api.upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs))
    assert partial.num_errors == 1
    assert partial.errors[0].context["objectWriteTraceId"] == ["0"]
    read = api.read(
        BatchReadInputSimplePublicObjectId(
            properties=["firstname"], properties_with_history=[], id_property="customer_id", inputs=[{"id": "C1"}]
        )
    )
    assert [result.properties["firstname"] for result in read.results] == ["Bob"]
    api.archive(BatchInputSimplePublicObjectId(inputs=[{"id": read.results[0].id}]))


def test_batch_create_conflict(client: Any) -> None:
    """A taken e-mail is a 409 with the existing id in the body."""
    api = client.crm.contacts.batch_api
    inputs = [{"properties": {"email": "ada@example.com"}, "associations": []}]
    made = api.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))
    with pytest.raises(ApiException) as caught:
        api.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))
    assert caught.value.status == 409
    assert f"Existing ID: {made.results[0].id}" in caught.value.body


def test_removals(client: Any) -> None:
    """A batch is archived and listed as such; a contact deleted for privacy is in neither list, and cannot return."""
    api = client.crm.contacts
    body = {"properties": {"email": "ada@example.com"}}
    made = [
        api.basic_api.create(SimplePublicObjectInputForCreate(properties={"email": f"{name}@example.com"})).id
        for name in ("ada", "bob", "eve")
    ]
    api.batch_api.archive(BatchInputSimplePublicObjectId(inputs=[{"id": made[1]}, {"id": made[2]}, {"id": "1"}]))
    archived = api.basic_api.get_page(archived=True).results
    assert [one.id for one in archived] == made[1:]
    assert all(one.archived and one.archived_at for one in archived)
    api.basic_api.purge(PublicGdprDeleteInput(object_id=made[0]))
    api.basic_api.purge(PublicGdprDeleteInput(object_id="bob@example.com", id_property="email"))
    assert api.basic_api.get_page().results == []
    assert [one.id for one in api.basic_api.get_page(archived=True).results] == made[1:]
    with pytest.raises(ApiException) as caught:
        api.basic_api.create(SimplePublicObjectInputForCreate(**body))
    assert (caught.value.status, "GDPR blacklisted" in caught.value.body) == (400, True)


def test_search_and_merge(client: Any) -> None:
    """Search finds what was written, and a merge answers with the new record."""
    ids = [
        client.crm.contacts.basic_api.create(
            SimplePublicObjectInputForCreate(properties={"email": f"{name}@x.example"})
        ).id
        for name in ("ada", "bob")
    ]
    filters = [{"propertyName": "email", "operator": "EQ", "value": "BOB@x.example"}]
    found = client.crm.contacts.search_api.do_search(PublicObjectSearchRequest(filter_groups=[{"filters": filters}]))
    assert [result.id for result in found.results] == ids[1:]
    merged = client.crm.contacts.basic_api.merge(PublicMergeInput(primary_object_id=ids[0], object_id_to_merge=ids[1]))
    assert merged.id not in ids


def test_properties_and_schemas(client: Any) -> None:
    """Properties and custom objects are created and read back through the client."""
    core = client.crm.properties.core_api
    body = PropertyCreate(
        name="loyalty", label="Loyalty", type="number", field_type="number", group_name="contactinformation"
    )
    assert core.create("contacts", body).has_unique_value is False
    assert core.get_by_name("contacts", "loyalty").type == "number"
    assert {"email", "plan", "loyalty"} <= {found.name for found in core.get_all("contacts").results}
    egg = ObjectSchemaEgg(
        name="car",
        labels=ObjectTypeDefinitionLabels(singular="Car", plural="Cars"),
        primary_display_property="vin",
        required_properties=["vin"],
        associated_objects=[],
        properties=[
            ObjectTypePropertyCreate(name="vin", label="VIN", type="string", field_type="text", has_unique_value=True)
        ],
    )
    schema = client.crm.schemas.core_api.create(egg)
    assert schema.object_type_id.startswith("2-")
    assert [found.name for found in client.crm.schemas.core_api.get_all().results] == ["car"]
    for name in ("car", "p_car", schema.fully_qualified_name, schema.object_type_id):
        assert client.crm.objects.basic_api.get_page(name).results == []


def test_owners_pipelines_and_token(client: Any) -> None:
    """Owners, pipelines and the OAuth endpoint answer the client's models."""
    assert [owner.email for owner in client.crm.owners.owners_api.get_page(email="ada.owner@example.com").results] == [
        "ada.owner@example.com"
    ]
    (pipeline,) = client.crm.pipelines.pipelines_api.get_all("deals").results
    assert "closedwon" in [stage.id for stage in pipeline.stages]
    token = client.oauth.tokens_api.create(
        grant_type="refresh_token", client_id="c", client_secret="s", refresh_token="r"
    )
    assert (token.token_type, token.expires_in) == ("bearer", 1800)
    told = client.oauth.access_tokens_api.get(token.access_token)
    assert (told.hub_id, "crm.objects.contacts.write" in told.scopes) == (48000001, True)


def test_associations(client: Any) -> None:
    """Version 4 of associations: single, in batches, and labels."""
    contact = client.crm.contacts.basic_api.create(
        SimplePublicObjectInputForCreate(properties={"email": "ada@x.example"})
    ).id
    companies = [
        client.crm.companies.basic_api.create(SimplePublicObjectInputForCreate(properties={"name": name})).id
        for name in ("Acme", "Other")
    ]
    v4 = client.crm.associations.v4
    both = v4.basic_api.create_default("contacts", contact, "companies", companies[0]).results
    assert {one.association_spec.association_type_id for one in both} == {279, 280}
    label = v4.schema.definitions_api.create(
        "contacts", "companies", PublicAssociationDefinitionCreateRequest(name="payer", label="Payer")
    ).results[0]
    spec = AssociationSpec(association_category="USER_DEFINED", association_type_id=label.type_id)
    made = v4.basic_api.create("contacts", contact, "companies", companies[0], [spec])
    assert made.labels == ["Payer"]
    inputs = [{"from": {"id": contact}, "to": {"id": one}, "types": [spec.to_dict()]} for one in (companies[1], "1234")]
    partial = v4.batch_api.create("contacts", "companies", {"inputs": [_spelled(one) for one in inputs]})
    assert (partial.num_errors, [one.labels for one in partial.results]) == (1, [["Payer"]])
    read = v4.batch_api.get_page("contacts", "companies", {"inputs": [{"id": contact}]}).results
    assert sorted(str(one.to_object_id) for one in read[0].to) == companies
    page = v4.basic_api.get_page("companies", companies[1], "contacts").results
    assert {(kind.category, kind.label) for kind in page[0].association_types} == {
        ("HUBSPOT_DEFINED", None),
        ("USER_DEFINED", "Payer"),
    }
    v4.basic_api.archive("contacts", contact, "companies", companies[0])
    listed = v4.schema.definitions_api.get_all("contacts", "companies").results
    assert {one.label for one in listed} == {None, "Primary", "Payer"}
    assert [str(one.to_object_id) for one in v4.basic_api.get_page("contacts", contact, "companies").results] == (
        companies[1:]
    )


def test_lists(client: Any) -> None:
    """Lists are made, found, filled, read and deleted through the client's models."""
    api = client.crm.lists
    request = ListCreateRequest(object_type_id="0-1", processing_type="MANUAL", name="VIPs")
    made = api.lists_api.create(request).list
    assert api.lists_api.get_by_name("VIPs", "0-1").list.list_id == made.list_id
    body = SimplePublicObjectInputForCreate(properties={"email": "ada@x.example"})
    contact = client.crm.contacts.basic_api.create(body).id
    assert api.memberships_api.add(made.list_id, [contact]).records_ids_added == [contact]
    assert [one.record_id for one in api.memberships_api.get_page(made.list_id).results] == [contact]
    change = MembershipChangeRequest(record_ids_to_add=[], record_ids_to_remove=[contact, "42"])
    answer = api.memberships_api.add_and_remove(made.list_id, change)
    assert (answer.record_ids_removed, answer.record_ids_missing) == ([contact], ["42"])
    assert api.lists_api.update_name(made.list_id, list_name="Big").updated_list.name == "Big"
    found = api.lists_api.do_search(ListSearchRequest(query="big", processing_types=[], additional_properties=[]))
    assert [one.list_id for one in found.lists] == [made.list_id]
    api.lists_api.remove(made.list_id)
    assert api.lists_api.get_by_id(made.list_id).list.deleted_at is not None


def _spelled(one: dict[str, Any]) -> dict[str, Any]:
    """An input of an association as it goes over the wire."""
    kinds = [
        {"associationCategory": kind["association_category"], "associationTypeId": kind["association_type_id"]}
        for kind in one["types"]
    ]
    return {**one, "types": kinds}

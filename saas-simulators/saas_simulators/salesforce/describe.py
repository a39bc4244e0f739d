"""What an org says of its objects and fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.calls import json_ok
from saas_simulators.salesforce.definitions import TEXT_TYPES

if TYPE_CHECKING:
    from saas_simulators.exchange import Reply
    from saas_simulators.salesforce.calls import Call
    from saas_simulators.salesforce.definitions import FieldDefinition
    from saas_simulators.salesforce.records import RecordStore
    from saas_simulators.salesforce.state import Org

MASTER_RECORD_TYPE = "012000000000000AAA"  # source: recordings cumulusci
SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "time": "xsd:time",
    "address": "urn:address",
}
INT_DIGITS = 8  # source: recorded describes


def everything(call: Call) -> Reply:
    """`GET /sobjects`."""
    # source: recording cumulusci GET_sobjects_Global_describe
    shown = [_summary(store, call.base) for _, store in sorted(call.org.objects.items())]
    return json_ok({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": shown})


def basics(call: Call) -> Reply:
    """`GET /sobjects/X`."""
    store = call.store
    recent = [
        {"attributes": {"type": store.name, "url": f"{call.base}/sobjects/{store.name}/{record.id}"}, "Id": record.id}
        for name, record in list(call.org.latest)[::-1]
        if name == store.name and not record.is_deleted
    ]
    return json_ok({"objectDescribe": _summary(store, call.base), "recentItems": recent})


def one(call: Call) -> Reply:
    """`GET /sobjects/X/describe`."""
    store = call.store
    # source: recordings cumulusci (keys of v48)
    shown = _summary(store, call.base) | {
        "actionOverrides": [],
        "childRelationships": _children(call.org, store),
        "compactLayoutable": True,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [field_json(field, call.org) for field in store.fields.values()],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_types(call.org, store, call.base),
        "searchLayoutable": True,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {store.definition.plural}", "name": "everything"}],
    }
    return json_ok(shown)


def _summary(store: RecordStore, base: str) -> dict[str, Any]:
    definition = store.definition
    writable = definition.is_writable
    path = f"{base}/sobjects/{store.name}"
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": writable,
        "custom": definition.is_custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": writable and definition.is_deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": writable,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": definition.key_prefix,
        "label": definition.label,
        "labelPlural": definition.plural,
        "layoutable": writable,
        "mergeable": store.name in {"Account", "Contact", "Lead", "Case"},
        "mruEnabled": writable,
        "name": store.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": writable,
        "triggerable": writable,
        "undeletable": writable,
        "updateable": writable,
        "urls": {
            "sobject": path,
            "describe": f"{path}/describe",
            "rowTemplate": f"{path}/{{ID}}",
            "approvalLayouts": f"{path}/describe/approvalLayouts",
            "compactLayouts": f"{path}/describe/compactLayouts",
            "defaultValues": f"{path}/defaultValues?recordTypeId&fields",
            "layouts": f"{path}/describe/layouts",
            "listviews": f"{path}/listviews",
            "quickActions": f"{path}/quickActions",
        },
    }


def _children(org: Org, store: RecordStore) -> list[dict[str, Any]]:
    """Return the references of other objects to this one."""
    return [
        {
            "cascadeDelete": field.is_cascading,
            "childSObject": other.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": other.definition.plural.replace(" ", "") if field.relationship else None,
            "restrictedDelete": field.is_restricting,
        }
        for other in org.objects.values()
        for field in other.fields.values()
        if store.name in field.reference_to
    ]


def _record_types(org: Org, store: RecordStore, base: str) -> list[dict[str, Any]]:
    layouts = f"{base}/sobjects/{store.name}/describe/layouts"
    shown = [
        {
            "active": record.values.get("IsActive") is True,
            "available": True,
            "defaultRecordTypeMapping": False,
            "developerName": record.values["DeveloperName"],
            "master": False,
            "name": record.values["Name"],
            "recordTypeId": record.id,
            "urls": {"layout": f"{layouts}/{record.id}"},
        }
        for record in org.store("RecordType").iterate()
        if record.values.get("SobjectType") == store.name
    ]
    master = {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": True,
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": MASTER_RECORD_TYPE,
        "urls": {"layout": f"{layouts}/{MASTER_RECORD_TYPE}"},
    }
    return [*shown, master]


def field_json(field: FieldDefinition, org: Org) -> dict[str, Any]:
    """Return a field as describe shows it."""
    # source: recordings cumulusci: the keys of v48 and later, in their order
    is_text = field.type in TEXT_TYPES
    default = field.default
    return {
        "aggregatable": field.type not in {"textarea", "address", "multipicklist"},
        "aiPredictionField": False,
        "autoNumber": field.is_auto_number,
        "byteLength": field.length if field.type in {"id", "reference"} else field.length * 3,
        "calculated": field.is_calculated,
        "calculatedFormula": None,
        "cascadeDelete": field.is_cascading,
        "caseSensitive": field.is_case_sensitive,
        "compoundFieldName": field.compound,
        "controllerName": None,
        "createable": field.is_createable,
        "custom": field.is_custom,
        "defaultValue": default if default is not None else None,
        "defaultValueFormula": None,
        "defaultedOnCreate": field.is_defaulted,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": INT_DIGITS if field.type == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": field.is_external_id,
        "extraTypeInfo": "plaintextarea" if field.type == "textarea" else None,
        "filterable": field.type != "address",
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": is_text or field.type in {"id", "reference", "boolean", "int", "date"},
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.is_id_lookup or field.is_external_id,
        "inlineHelpText": None,
        "label": field.label,
        "length": field.length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.is_name,
        "namePointing": field.is_polymorphic,
        "nillable": field.is_nillable,
        "permissionable": field.is_nillable and field.is_createable,
        "picklistValues": [_option(value, label, default) for value, label in field.options],
        "polymorphicForeignKey": field.is_polymorphic,
        "precision": field.precision,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": _targets(field, org),
        "relationshipName": field.relationship,
        "relationshipOrder": field.master_order,
        "restrictedDelete": field.is_restricting,
        "restrictedPicklist": field.is_restricted,
        "scale": field.scale,
        "searchPrefilterable": field.type == "reference",
        "soapType": SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": field.type not in {"address", "multipicklist"},
        "type": field.type,
        "unique": field.is_unique,
        "updateable": field.is_updateable,
        "writeRequiresMasterRead": field.master_order is not None,
    }


def _targets(field: FieldDefinition, org: Org) -> list[str]:
    """Return the objects of a reference; queues and calendars count, though they have no rows here."""
    return [name for name in field.reference_to if org.has_object(name) or name in {"Group", "Calendar"}]


def _option(value: str, label: str, default: object) -> dict[str, Any]:
    return {"active": True, "defaultValue": value == default, "label": label, "validFor": None, "value": value}

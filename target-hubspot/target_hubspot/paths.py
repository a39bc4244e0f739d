"""Where the endpoints are, in each version of the API: data, and nothing else."""

from __future__ import annotations


class Paths:
    """The API's paths in one version.

    Args:
        version: `v3`, or a date like `2026-09`.

    source: specification and docs of both families (api/hubspot.md 1).
    """

    def __init__(self, version: str) -> None:
        self._version = version
        self._is_dated = version != "v3"

    def _family(self, name: str) -> str:
        return f"/crm/{name}/{self._version}" if self._is_dated else f"/crm/{self._version}/{name}"

    def batch(self, object_name: str, verb: str) -> str:
        """A batch endpoint of an object."""
        return f"{self._family('objects')}/{object_name}/batch/{verb}"

    def purge(self, object_name: str) -> str:
        """The endpoint that deletes one record for privacy."""
        return f"{self._family('objects')}/{object_name}/gdpr-delete"

    def associations(self, from_object: str, to_object: str, what: str) -> str:
        """An endpoint of the associations between two objects; without a date they are in version 4."""
        family = f"/crm/associations/{self._version}" if self._is_dated else "/crm/v4/associations"
        return f"{family}/{from_object}/{to_object}/{what}"

    def lists(self, what: str) -> str:
        """An endpoint of the lists."""
        return f"{self._family('lists')}/{what}"

    def properties(self, object_name: str) -> str:
        """The property definitions of an object."""
        return f"{self._family('properties')}/{object_name}"

    def schemas(self) -> str:
        """The definitions of custom objects."""
        return f"/crm-object-schemas/{self._version}/schemas" if self._is_dated else f"/crm/{self._version}/schemas"

    def owners(self) -> str:
        """The owners of records."""
        return self._family("owners")

    def account(self) -> str:
        """The account itself."""
        return f"/account-info/{self._version}/details"

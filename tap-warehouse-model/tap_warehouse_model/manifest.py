"""dbt's `manifest.json` as values: the keys that this tap needs, and no others. Pure; the file is read elsewhere.

The structs skip what they do not name, so that a key that dbt adds is no error: dbt adds keys without a new
schema version, as its documentation says (https://docs.getdbt.com/reference/artifacts/manifest-json). A parser
that has a model of the whole document and forbids the rest breaks each time (yu-iskw/dbt-artifacts-parser, issues
54, 109 and 219), it knows no manifest of dbt 2, and this tap needs about twenty keys. So there is no dependency.

source of the keys: https://schemas.getdbt.com/dbt/manifest/v12.json, and manifests that dbt 1.5, 1.7 and 1.12 wrote
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from tap_warehouse_model.errors import ConfigError

# source: https://docs.getdbt.com/reference/artifacts/manifest-json: v9 is dbt 1.5, v12 is dbt 1.8 and later.
# The betas of dbt 2 (Fusion) wrote v20, which has the keys of v12 but writes null where those have an empty value.
SUPPORTED_VERSIONS = frozenset({9, 10, 11, 12, 20})
_SCHEMA_URL = re.compile(r"/dbt/(?P<kind>[\w-]+)/v(?P<version>\d+)")


class Checksum(msgspec.Struct, frozen=True):
    """Of the file that a node is written in; `name` is `sha256`, `path` or `none`."""

    name: str | None = None
    checksum: str | None = None


class Constraint(msgspec.Struct, frozen=True):
    """A constraint of a model or of a column, whether the warehouse enforces it or not."""

    type: str | None = None
    columns: list[str] | None = None


class DocumentedColumn(msgspec.Struct, frozen=True):
    """A column that somebody described or tested."""

    description: str | None = None
    constraints: list[Constraint] | None = None


class NodeConfig(msgspec.Struct, frozen=True):
    """Configuration after inheritance; the last three are those of tests."""

    materialized: str | None = None
    meta: dict[str, Any] | None = None
    where: Any = None
    severity: str | None = None
    error_if: str | None = None


class TestMetadata(msgspec.Struct, frozen=True):
    """Which generic test it is; `namespace` is the package, None for dbt's own."""

    __test__ = False  # for pytest, which takes the name for a test's

    name: str | None = None
    namespace: str | None = None
    kwargs: dict[str, Any] | None = None


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What can be referred to; all that is asked of a node that is disabled."""

    resource_type: str = ""
    name: str = ""
    package_name: str = ""
    version: str | int | float | None = None
    latest_version: str | int | float | None = None


class Node(Named, frozen=True, kw_only=True):
    """A model, seed, snapshot or test; other resource types have fewer of these keys."""

    unique_id: str
    resource_type: str
    name: str
    relation_name: str | None = None
    original_file_path: str | None = None
    checksum: Checksum | None = None
    config: NodeConfig | None = None
    meta: dict[str, Any] | None = None
    description: str | None = None
    columns: dict[str, DocumentedColumn] | None = None
    constraints: list[Constraint] | None = None
    test_metadata: TestMetadata | None = None
    column_name: str | None = None
    attached_node: str | None = None

    @property
    def materialized(self) -> str | None:
        """How dbt builds it."""
        return self.config.materialized if self.config else None

    @property
    def all_meta(self) -> dict[str, Any]:
        """`meta`, which dbt 1.10 moved into the configuration."""
        return {**(self.meta or {}), **((self.config and self.config.meta) or {})}


class Metadata(msgspec.Struct, frozen=True):
    """Who wrote the manifest; `project_name` is not there before dbt 1.6."""

    dbt_schema_version: str | None = None
    dbt_version: str | None = None
    project_name: str | None = None
    adapter_type: str | None = None


class _Header(msgspec.Struct, frozen=True):
    metadata: Metadata


class Manifest(msgspec.Struct, frozen=True):
    """Nodes by their unique ids, those that are disabled apart."""

    metadata: Metadata
    nodes: dict[str, Node]
    disabled: dict[str, list[Named]] | None = None


def parse_manifest(content: bytes, *, where: str) -> Manifest:
    """Return a manifest.

    Args:
        content: The file's.
        where: For messages: the setting and the path.

    Raises:
        ConfigError: It is not JSON, not a manifest, or one of a version that this tap does not know.
    """
    try:
        _check_version(msgspec.json.decode(content, type=_Header).metadata, where)
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.ValidationError as error:
        msg = f"{where} is not a manifest of dbt: {error}. Point to the file 'manifest.json' in dbt's folder 'target'."
        raise ConfigError(msg) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        msg = f"{where} is not JSON. Write it anew: run 'dbt parse', 'dbt compile' or 'dbt build'."
        raise ConfigError(msg) from None


def _check_version(metadata: Metadata, where: str) -> None:
    found = _SCHEMA_URL.search(metadata.dbt_schema_version or "")
    if found is None or found["kind"] != "manifest":
        kind = f"dbt's '{found['kind']}'" if found else "not one of dbt's files"
        msg = f"{where} is {kind}, not a manifest. Point to the file 'manifest.json' in dbt's folder 'target'."
        raise ConfigError(msg)
    version = int(found["version"])
    if version in SUPPORTED_VERSIONS:
        return
    remedy = "Upgrade dbt" if version < min(SUPPORTED_VERSIONS) else "Upgrade tap-warehouse-model"
    msg = (
        f"{where} has the schema version v{version} (dbt {metadata.dbt_version or 'unknown'}), but this tap reads v9 "
        f"to v12, which dbt 1.5 and later write. {remedy}, or name the relation with 'table' instead of 'dbt_model'."
    )
    raise ConfigError(msg)

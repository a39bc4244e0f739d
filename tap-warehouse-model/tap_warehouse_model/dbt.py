"""A dbt project as its manifest has it: models found as `ref` finds them, and models made of `meta`. Pure."""

from __future__ import annotations

import difflib
import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from tap_warehouse_model.dbt_keys import key_candidates
from tap_warehouse_model.models import Model, Origin, parse_model, suggestion
from tap_warehouse_model.settings import MODEL_PROPERTIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_warehouse_model.columns import Column
    from tap_warehouse_model.manifest import Manifest, Named, Node

NodeT = TypeVar("NodeT", bound="Named")

META = "reverse_etl"
"""The key of `meta` that makes a stream of a node."""

_BUILT = frozenset({"model", "seed", "snapshot"})
_WHAT_DBT_SAYS = frozenset({"sql", "sql_file", "table", "dbt_model", "params"})
_META_KEYS = {**{key: 1 for key in MODEL_PROPERTIES if key not in _WHAT_DBT_SAYS}, "enabled": 1}
# SQLAlchemy's names of databases where they are not those of dbt's adapters.
_BACKENDS = {"postgres": ("postgresql", "postgres"), "spark": ("databricks", "hive")}


class UnusableNodeError(ValueError):
    """A node is unknown, ambiguous, disabled or not built; the message says which, and what to do."""


class Project:
    """What a manifest says, indexed for the tap's questions."""

    def __init__(self, manifest: Manifest) -> None:
        self._metadata = manifest.metadata
        self._nodes = {key: node for key, node in manifest.nodes.items() if node.resource_type in _BUILT}
        self._references = _references(self._nodes.values())
        disabled = [node for nodes in (manifest.disabled or {}).values() for node in nodes]
        self._disabled = _references(node for node in disabled if node.resource_type in _BUILT)
        self._tests: dict[str, list[Node]] = defaultdict(list)
        for node in manifest.nodes.values():
            if node.attached_node and node.test_metadata:
                self._tests[node.attached_node].append(node)

    def adapter_problem(self, backend: str) -> str | None:
        """Return why a manifest does not fit a database, given by its name in SQLAlchemy's URL, or None."""
        adapter = self._metadata.adapter_type
        if adapter is None or backend in _BACKENDS.get(adapter, (adapter,)):
            return None
        return (
            f"'dbt_manifest' was written by dbt for {adapter}, but 'sqlalchemy_url' opens one of kind {backend}. "
            "Use the manifest of the dbt target that builds what the URL opens."
        )

    def read(self, entry: Mapping[str, Any], *, where: str) -> tuple[Model | None, list[str]]:
        """Check a model of the user's that names a dbt model.

        What `meta.reverse_etl` says of a stream with the same name fills what the entry leaves open.

        Returns:
            The model, or None with every problem found.
        """
        name, reference = entry.get("name"), entry["dbt_model"]
        if not isinstance(reference, str) or not reference.strip():
            return parse_model(entry, where=where, sql=None)
        try:
            node = self._find(reference.strip())
        except UnusableNodeError as error:
            return None, [f"Model '{name}': {error}"]
        said = self._said(node)
        if name != self._stream(node):
            said = {key: said[key] for key in ("key_properties",) if key in said}
        return self._parse(node, {**said, **entry}, where)

    def marked(self, taken: Iterable[Model]) -> tuple[list[Model], list[str]]:
        """Return the models that dbt's `meta.reverse_etl` asks for.

        Args:
            taken: The user's models: a node is left out when one of them has its name and its relation.

        Returns:
            The models and every problem found.
        """
        known = {(model.name, model.origin.node) for model in taken if model.origin}
        nodes = [node for node in self._nodes.values() if META in node.all_meta]
        problems = [problem for node in nodes if (problem := _meta_problem(node))]
        models: list[Model] = []
        for node in self._latest([node for node in nodes if _is_wanted(node)]):
            if (self._stream(node), node.unique_id) not in known:
                model, bad = self._marked(node)
                models += [model] if model else []
                problems += bad
        return models, problems

    def source_file(self, node_id: str) -> tuple[str, str] | None:
        """Return path and SHA-256 of the file that a node is written in; None where they cannot be compared.

        Files of other packages are elsewhere, large seeds have no checksum, and dbt 2 has rules of its own.
        """
        node = self._nodes[node_id]
        project = self._metadata.project_name
        is_comparable = (self._metadata.dbt_version or "").startswith("1.") and project in {None, node.package_name}
        if not is_comparable or not node.original_file_path or node.checksum is None or node.checksum.name != "sha256":
            return None
        return node.original_file_path, node.checksum.checksum or ""

    def _marked(self, node: Node) -> tuple[Model | None, list[str]]:
        try:
            _check_built(node, node.name)
        except UnusableNodeError as error:
            return None, [
                f"dbt's '{node.unique_id}' has 'meta.{META}': {error} Or write 'meta: {{{META}: false}}' there."
            ]
        entry = {"name": node.name, **self._said(node), "dbt_model": node.unique_id}
        return self._parse(node, entry, f"'meta.{META}' of dbt's '{node.unique_id}'")

    def _parse(self, node: Node, entry: Mapping[str, Any], where: str) -> tuple[Model | None, list[str]]:
        keys, problem = entry.get("key_properties"), None
        if keys is None:
            keys, problem = self._key(node, str(entry.get("name")))
        complete = {"description": node.description or "", **entry, "key_properties": keys}
        model, problems = parse_model(complete, where=where, sql=f"SELECT * FROM {node.relation_name}")  # noqa: S608
        if problem:
            return None, [*problems, problem]
        return model and replace(model, origin=self._origin(node)), problems

    def _origin(self, node: Node) -> Origin:
        columns = {name: column.description or "" for name, column in (node.columns or {}).items()}
        name = node.name if node.version is None else f"{node.name}.v{node.version}"
        return Origin(node.unique_id, name, str(node.relation_name), columns)

    def _find(self, reference: str) -> Node:
        """Find a node as dbt's `ref` does: `model`, `model.v2`, or these behind `package.`; the latest version if bare.

        The project's own models win over those of packages.
        """
        found = _lookup(self._references, reference)
        own = self._metadata.project_name
        if own in found:
            found = {own: found[own]}
        if len(found) > 1:
            names = " or ".join(f"'{package}.{reference}'" for package in sorted(found))
            msg = f"'dbt_model' '{reference}' is ambiguous, as several packages have one. Write {names}."
            raise UnusableNodeError(msg)
        if not found:
            raise UnusableNodeError(self._unknown(reference))
        (node,) = found.values()
        _check_built(node, reference)
        return node

    def _unknown(self, reference: str) -> str:
        if _lookup(self._disabled, reference):
            return f"the dbt model '{reference}' is disabled. Enable it in dbt ('enabled: true'), and run dbt."
        near = difflib.get_close_matches(reference, list(self._references), n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return (
            f"'dbt_model' '{reference}' is not a model, seed or snapshot in dbt's manifest.{hint} "
            "If it is new, run 'dbt parse' or 'dbt build' to write the manifest anew."
        )

    def _said(self, node: Node) -> dict[str, Any]:
        """Return what `meta.reverse_etl` says, as far as it can be read."""
        said = node.all_meta.get(META)
        return {key: said[key] for key in said if key != "enabled"} if isinstance(said, Mapping) else {}

    def _stream(self, node: Node) -> object:
        return self._said(node).get("name", node.name)

    def _latest(self, nodes: Sequence[Node]) -> list[Node]:
        """Leave out older versions of a model whose stream would have the name of the latest: they inherit `meta`."""
        names = [(node.package_name, node.name, str(self._stream(node))) for node in nodes]
        latest = {name for name, node in zip(names, nodes, strict=True) if _is_latest(node)}
        return [node for name, node in zip(names, nodes, strict=True) if _is_latest(node) or name not in latest]

    def _key(self, node: Node, name: str) -> tuple[list[str], str | None]:
        """Return the key that constraints and tests prove, and a problem if they name several."""
        candidates = key_candidates(node, self._tests.get(node.unique_id, []))
        if len(candidates) <= 1:
            return [column for candidate in candidates for column in candidate], None
        listing = ", ".join(f"[{', '.join(candidate)}]" for candidate in candidates)
        return [], (
            f"Model '{name}': dbt tests several keys for uniqueness ({listing}), so it is not clear which one is the "
            f"key. Write 'key_properties' in the model or in dbt's 'meta.{META}'."
        )


def fitted(model: Model, columns: Sequence[Column]) -> tuple[Model, tuple[Column, ...]]:
    """Return a dbt model with its columns spelled as the warehouse spells them, and the columns with descriptions.

    dbt's files compare names as the warehouse does where nothing is quoted: without regard to case.
    """
    if model.origin is None:
        return model, tuple(columns)
    names = {column.name.casefold(): column.name for column in columns} | {
        column.name: column.name for column in columns
    }
    texts = {names.get(name, names.get(name.casefold())): text for name, text in model.origin.columns.items()}
    spelled = replace(
        model,
        key_properties=tuple(names.get(key, names.get(key.casefold(), key)) for key in model.key_properties),
        replication_key=model.replication_key
        and names.get(model.replication_key, names.get(model.replication_key.casefold(), model.replication_key)),
    )
    return spelled, tuple(replace(column, description=texts.get(column.name, "")) for column in columns)


def is_checksum_of(checksum: str, text: str) -> bool:
    """Return whether dbt computed a SHA-256 from a text.

    dbt strips a file; since 1.12 it also takes every run of white space as one blank, and seeds have their line
    breaks translated.
    source: dbt-core 1.12.6, `dbt/parser/read_files.py` and `dbt/artifacts/resources/base.py`

    >>> is_checksum_of(hashlib.sha256(b"SELECT 1").hexdigest(), "SELECT  1 ")
    True
    """
    forms = {text.strip(), text.replace("\r\n", "\n").strip(), " ".join(text.split())}
    return any(hashlib.sha256(form.encode()).hexdigest() == checksum for form in forms)


def _references(nodes: Iterable[NodeT]) -> dict[str, dict[str, NodeT]]:
    """Return nodes by what `ref` may call them, and by package."""
    found: dict[str, dict[str, NodeT]] = defaultdict(dict)
    for node in nodes:
        if node.version is not None:
            found[f"{node.name}.v{node.version}"][node.package_name] = node
        if node.version is None or _is_latest(node):
            found[node.name][node.package_name] = node
    return dict(found)


def _lookup(references: Mapping[str, dict[str, NodeT]], reference: str) -> dict[str, NodeT]:
    if reference in references:
        return references[reference]
    package, _, name = reference.partition(".")
    return {key: node for key, node in references.get(name, {}).items() if key == package}


def _is_latest(node: Named) -> bool:
    return node.version is not None and str(node.version) == str(node.latest_version)


def _check_built(node: Node, reference: str) -> None:
    if node.materialized == "ephemeral":
        msg = (
            f"the dbt model '{reference}' is ephemeral, so the warehouse has nothing to read. "
            "Materialize it as a view or table in dbt."
        )
        raise UnusableNodeError(msg)
    if not node.relation_name:
        msg = f"the manifest has no 'relation_name' for the dbt model '{reference}'. Run 'dbt compile' or 'dbt build'."
        raise UnusableNodeError(msg)


def _meta_problem(node: Node) -> str | None:
    said = node.all_meta[META]
    where = f"dbt's '{node.unique_id}': 'meta.{META}'"
    if isinstance(said, bool):
        return None
    if not isinstance(said, Mapping):
        return f"{where} must be true, false or a mapping with the keys of a model. Correct it and run dbt."
    if not isinstance(said.get("enabled", True), bool):
        return f"{where}: 'enabled' must be true or false. Correct it and run dbt."
    unknown = next((key for key in said if key not in _META_KEYS), None)
    return f"{where} has the unknown key '{unknown}'.{suggestion(unknown, _META_KEYS)}" if unknown else None


def _is_wanted(node: Node) -> bool:
    said = node.all_meta[META]
    return said is True or (isinstance(said, Mapping) and said.get("enabled", True) is True and not _meta_problem(node))

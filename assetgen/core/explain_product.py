"""Everything about one product, for people: what it is made from, then and now, and its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.product import known_paths
from assetgen.core.reasons import Difference, differences
from assetgen.core.value import Value

if TYPE_CHECKING:
    from assetgen.core.facts import Facts, FileFact
    from assetgen.core.model import Json
    from assetgen.core.plan_products import ProductDecision


class ProductExplanation(Value):
    """One product, explained."""

    decision: ProductDecision
    inputs: tuple[tuple[str, Difference], ...]
    """Images and settings by name, against those that the lockfile names; nothing of an export,
    whose text is compared instead, nor while an image is still to be made."""
    files: tuple[tuple[str, FileFact], ...]
    """What is at each of its paths."""
    readers: tuple[str, ...]
    """Products that read it."""


def explain_product(
    decision: ProductDecision, facts: Facts, readers: tuple[str, ...]
) -> ProductExplanation:
    """Put together what the plan has found out about a product."""
    product = decision.product
    entry = facts.lock.products.get(product.name)
    now = decision.keyed.inputs if decision.keyed is not None else {}
    then = entry.inputs if entry is not None else {}
    paths = [one.path for one in decision.wanted] or list(known_paths(product))
    if entry is not None:
        paths += [path for path in entry.files if path not in paths]
    return ProductExplanation(
        decision=decision,
        inputs=tuple(dict(differences(then, now)).items()) if now else (),
        files=tuple((path, facts.file(path)) for path in paths),
        readers=readers,
    )


def product_explanation_json(explanation: ProductExplanation) -> dict[str, Json]:
    """`explain KIND:NAME --json`: see schemas/explain.schema.json."""
    decision = explanation.decision
    product, keyed = decision.product, decision.keyed
    return {
        "version": 1,
        "name": decision.name,
        "kind": product.kind,
        "verdict": decision.verdict.value,
        "reason": decision.reason,
        "key": keyed.fingerprint if keyed is not None else None,
        "inputs": [{"name": name, "state": state} for name, state in explanation.inputs],
        "files": [
            {"path": path, "state": fact.state.value, "digest": fact.digest}
            for path, fact in explanation.files
        ],
        "reads": [*(asset.name for asset in product.reads), *product.after],
        "readers": list(explanation.readers),
    }

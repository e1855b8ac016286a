"""Complete a bill of materials with what no package's metadata tells: the weights and the vocabularies in our wheel.

`make sbom` runs it on what cyclonedx-py has written: `python supply/sbom.py build/sbom.json`. It fails where anything
has no licence.
"""

from __future__ import annotations

import json
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PACKAGE = "contextprune-ai"
ENCODER = {
    "type": "machine-learning-model",
    "name": "all-MiniLM-L6-v2",
    "supplier": {"name": "sentence-transformers"},
    "licenses": [{"license": {"id": "Apache-2.0"}}],
    "externalReferences": [{"type": "website", "url": "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2"}],
}
SHIPPED: tuple[tuple[str, str, str, str], ...] = (
    ("contextprune/weights/model.safetensors", "machine-learning-model", "Apache-2.0", "the scorer's weights"),
    ("contextprune/weights/tokenizer.json", "data", "Apache-2.0", "the encoder's tokenizer, with BERT's vocabulary"),
    ("contextprune/weights/calibration.json", "data", "Apache-2.0", "what scores mean"),
    (
        "contextprune/vocab/o200k_base.tiktoken.gz",
        "data",
        "MIT",
        "o200k_base, as published with tiktoken",
    ),
)
"""File, type, licence and description of what is no package."""

WRITTEN_OUT = {"tiktoken": "MIT", "transformers": "Apache-2.0"}
"""Licences of packages whose metadata hold the text of the licence, or its name in other words than those of SPDX."""


def version() -> str:
    """The version of the package."""
    match = re.search(r'__version__ = "(.+)"', (ROOT / "contextprune" / "_version.py").read_text(encoding="utf-8"))
    assert match
    return match[1]


def parts() -> list[dict[str, Any]]:
    """The components that lie in our wheel and are no packages, with the hashes of the files as they are now."""
    components: list[dict[str, Any]] = [
        {
            "bom-ref": file,
            "type": kind,
            "name": file,
            "description": description,
            "version": version(),
            "licenses": [{"license": {"id": licence}}],
            "hashes": [{"alg": "SHA-256", "content": sha256((ROOT / file).read_bytes()).hexdigest()}],
        }
        for file, kind, licence, description in SHIPPED
    ]
    components[0]["pedigree"] = {"ancestors": [ENCODER]}
    return components


def completed(bill: dict[str, Any]) -> dict[str, Any]:
    """A bill of materials with our own parts and version. Raises ValueError where a component has no licence."""
    root = bill["metadata"]["component"]
    root["version"] = version()
    components = [part for part in bill["components"] if part["name"] != PACKAGE]
    for part in components:
        if part["name"] in WRITTEN_OUT:
            part["licenses"] = [{"license": {"id": WRITTEN_OUT[part["name"]]}}]
    components += parts()

    unlicensed = sorted(part["name"] for part in components if not part.get("licenses"))
    if unlicensed:
        raise ValueError(f"no licence is known of {', '.join(unlicensed)}")
    own = [part["bom-ref"] for part in parts()]
    for entry in bill["dependencies"]:
        if entry["ref"] == root["bom-ref"]:
            entry["dependsOn"] = sorted({*entry.get("dependsOn", ()), *own})
    return {**bill, "components": components, "dependencies": [*bill["dependencies"], *({"ref": ref} for ref in own)]}


def main(path: Path) -> None:
    """Complete the bill at a path in its place."""
    bill = completed(json.loads(path.read_text(encoding="utf-8")))
    path.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
    licences = {str(next(iter(choice.values()))) for part in bill["components"] for choice in part["licenses"]}
    print(f"{path}: {len(bill['components'])} components, {len(licences)} licences")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Whatever a machine makes up from the document is answered as the document says."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from api_desk import a_desk

from engine.store.api_tables import Scope

SEED = "20261123"
EXAMPLES = "15"
ST = Path(sys.executable).parent / "st"

NOT_CHECKED = "positive_data_acceptance,missing_required_header"
"""
The document cannot say everything that the life cycle asks of a move; and schemathesis does not
take 428 for an If-Match that is missing, which test_api.py looks at.
"""


def known(document: dict, refs: list[str]) -> dict:
    """The same document, in which every reference is one that exists."""
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "ref":
                    parameter["schema"] = {"type": "string", "enum": refs}
                elif parameter["name"] == "If-Match":
                    parameter["schema"] = {"type": "string", "enum": ["*"]}
    return document


@pytest.mark.parametrize("real", [False, True], ids=["any_reference", "real_references"])
def test_the_document_is_kept_and_nothing_ends_in_a_5xx(database_url, tmp_path, real):
    with a_desk(database_url, tmp_path, api={"per_minute": 1_000_000}) as desk:
        found = httpx.get(f"{desk.url}/api/v1/openapi.json").json()
        if real:
            found = known(found, ["SAA-01", "SAA-02", "SAA-03", "SAA-04", "SAA-05"])
        document = tmp_path / "openapi.json"
        document.write_text(json.dumps(found), encoding="utf-8")
        done = subprocess.run(
            [
                str(ST), "run", str(document), "--url", f"{desk.url}/api/v1",
                "--header", f"Authorization: Bearer {desk.key('coord', Scope.ADMIN)}",
                "--seed", SEED, "--max-examples", EXAMPLES, "--no-color", "--no-shrink",
                "--request-timeout", "20", "--exclude-checks", NOT_CHECKED,
                "--generation-database", "none",
            ],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-1000:]

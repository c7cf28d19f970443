"""`python -m local.verify_receipt FILE KEYS`: exit 0 = signed and sound, 1 = not (it says why), 2 = usage."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from local.pieces import ROOT
from local.verify_receipt.numbers import contradictions
from local.verify_receipt.signature import NotProven, Signed, signed_content
from local.verify_receipt.words import in_words

SCHEMA = ROOT / "docs" / "receipt.schema.json"
USAGE = """usage: make verify-receipt FILE=receipt.jws KEYS=keys.json

FILE is a receipt as `GET /api/requests/{id}/receipt` gives it with `Accept: application/jose`, or a receipt.json with
its receipt.jws beside. KEYS is what `GET /api/keys` gives, got on a way that you trust."""


def main(arguments: Sequence[str]) -> int:
    """Check one receipt, tell what it proves, and give the exit code."""
    if len(arguments) != 2 or not all(arguments):
        print(USAGE, file=sys.stderr)
        return 2
    file, keys = (Path(argument) for argument in arguments)
    try:
        key_set = read_keys(keys)
        signed = read(file, key_set)
        receipt = sound(signed.content)
    except OSError as error:
        print(f"verify-receipt: {error.filename}: {error.strerror}\n\n{USAGE}", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"verify-receipt: {error}\n\n{USAGE}", file=sys.stderr)
        return 2
    except NotProven as error:
        print(f"NOT PROVEN. {error}")
        return 1
    print("\n".join(in_words(receipt)))
    print(f"\nSigned ({signed.algorithm}) with the key {signed.kid}; form and numbers fit.")
    return 0


def read_keys(keys: Path) -> object:
    """Read a key set; ValueError that names the file if it is no JSON."""
    try:
        return json.loads(keys.read_bytes())
    except ValueError:
        raise ValueError(f"{keys} is no JSON, so it holds no keys") from None


def read(file: Path, key_set: object) -> Signed:
    """Read the signed bytes of a .jws, or of a .json with its .jws beside; `NotProven` if they are not signed so."""
    content = file.read_bytes()
    if not content.lstrip().startswith(b"{"):
        return signed_content(content, key_set)
    beside = file.with_suffix(".jws")
    if not beside.exists():
        raise NotProven(f"The receipt has no signature beside it ({beside.name}): anybody could have written it.")
    signed = signed_content(beside.read_bytes(), key_set)
    if signed.content != content:
        raise NotProven(f"{file.name} is not what {beside.name} signs: it was changed.")
    return signed


def sound(content: bytes) -> dict[str, Any]:
    """Read a receipt of the schema whose numbers fit; `NotProven` with everything that speaks against it."""
    try:
        receipt: dict[str, Any] = json.loads(content)
    except ValueError:
        raise NotProven("What is signed is no JSON.") from None
    validator = Draft202012Validator(json.loads(SCHEMA.read_bytes()))
    problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(receipt)]
    problems = problems or contradictions(receipt)
    if not problems and not receipt["signed"]:
        problems = ["it says of itself that it is not signed"]
    if problems:
        raise NotProven("The signature fits, but the receipt is not sound:\n  " + "\n  ".join(problems))
    return receipt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

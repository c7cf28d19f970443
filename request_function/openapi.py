"""
The API's own description: OpenAPI 3.1 of every route, with JSON Schema 2020-12 of what is sent and answered.

A pure value. It is made when it is first asked for, so that no cold start pays for it; tests hold it to the functions,
to the validation, and to what is really answered.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from request_function.openapi_answers import answers
from request_function.openapi_bodies import bodies
from request_function.openapi_operations import paths
from shared.domain.canonical import readable

VERSION = "1.0"
_ABOUT = """Access, portability and erasure requests against Azure Custom Vision.

The host itself answers 401 (no function key) and 404 (unknown route or method) without a body. Errors of the app are
`application/problem+json` (RFC 9457) and name all violations at once. Answers may grow members; none disappears."""


def document() -> dict[str, Any]:
    """Give the document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Custom Vision GDPR", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"key_header": []}, {"key_query": []}],
        "paths": paths(),
        "components": {
            "schemas": {**bodies(), **answers()},
            "securitySchemes": {
                "key_header": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
                "key_query": {"type": "apiKey", "in": "query", "name": "code"},
            },
        },
    }


@cache
def document_bytes() -> bytes:
    """Give the document as it is answered."""
    return readable(document())

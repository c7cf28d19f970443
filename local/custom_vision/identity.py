"""A managed identity as App Service offers it: `IDENTITY_ENDPOINT`, `IDENTITY_HEADER`, and tokens for any audience."""

import base64
import binascii
import hmac
import json
from typing import Any

from local.custom_vision.wire import Answer, Request, json_answer

IDENTITY_PATH = "/msi/token"
IDENTITY_HEADER = "emulator-identity-header"
IDENTITY_API = "2019-08-01"
TOKEN_SECONDS = 3600
_TENANT = "00000000-0000-4000-a000-00000000000a"
_OBJECT = "00000000-0000-4000-a000-00000000000b"
_CLIENT = "00000000-0000-4000-a000-00000000000c"


def get_token(request: Request, now: float) -> Answer:
    """A token for the `resource` of the query; 401 without the secret header, 400 for another version."""
    if not hmac.compare_digest(request.headers.get("x-identity-header", "").encode(), IDENTITY_HEADER.encode()):
        return _refusal(401, "Unauthorized")
    query = request.query()
    resource, version = query.get("resource", [""])[0], query.get("api-version", [""])[0]
    if not resource or version != IDENTITY_API:
        return _refusal(400, "BadRequest")
    expires = int(now) + TOKEN_SECONDS
    return json_answer(
        {
            "access_token": _token(resource, int(now), expires),
            "expires_on": str(expires),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": _CLIENT,
        }
    )


def audience_of(authorization: str) -> str | None:
    """The audience of a bearer token, without a slash at its end; None if it is no token of this form."""
    parts = authorization.partition(" ")[2].split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    audience = claims.get("aud") if isinstance(claims, dict) else None
    return audience.rstrip("/") if isinstance(audience, str) else None


def _token(resource: str, now: int, expires: int) -> str:
    claims = {"aud": resource, "oid": _OBJECT, "tid": _TENANT, "iat": now, "nbf": now, "exp": expires}
    return ".".join([_part({"alg": "none", "typ": "JWT"}), _part(claims), "unsigned"])


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _refusal(status: int, message: str) -> Answer:
    return json_answer({"statusCode": status, "message": message}, status)

"""Signed links to blobs, made by hand: a page of 256 images needs 512 of them in a few milliseconds."""

import base64
import hmac

from local.custom_vision.clock import date_of_link

VERSION = "2017-04-17"  # the version that the service's own links carry


class LinkSigner:
    """Makes read-only blob links of one storage account (service SAS of version 2017-04-17)."""

    def __init__(self, base_url: str, account: str, key: bytes) -> None:
        self.base_url = base_url.rstrip("/")
        self._account = account
        self._key = key

    def link(self, container: str, name: str, expiry: float, *, broken: bool = False) -> str:
        """Absolute link, refused from `expiry` (seconds since 1970) on; `broken`: the signature is a wrong one."""
        until = date_of_link(expiry)
        signature = self.signature(container, name, until)
        if broken:
            signature = signature[:1].swapcase() + signature[:0:-1]
        query = f"sv={VERSION}&sr=b&sig={_quoted(signature)}&se={_quoted(until)}&sp=r"
        return f"{self.base_url}/{container}/{name}?{query}"

    def signature(self, container: str, name: str, until: str, permissions: str = "r") -> str:
        """Base64 signature of a link, see Microsoft's "Create a service SAS", version 2015-04-05 to 2018-03-28."""
        resource = f"/blob/{self._account}/{container}/{name}"
        text = "\n".join((permissions, "", until, resource, "", "", "", VERSION, "", "", "", "", ""))
        return base64.b64encode(hmac.digest(self._key, text.encode(), "sha256")).decode()


def _quoted(text: str) -> str:
    """Percent-encoded base64 or date: these are the only characters in them that a query cannot hold."""
    return text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D").replace(":", "%3A")

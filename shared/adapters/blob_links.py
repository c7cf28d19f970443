"""Read-only links to single blobs (service SAS by account key, user-delegation SAS under an identity)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from azure.storage.blob import BlobSasPermissions, BlobServiceClient, UserDelegationKey, generate_blob_sas

from shared.domain.addresses import is_loopback

LONGEST_DELEGATION = timedelta(days=7)
SHORTEST_KEY_LIFE = timedelta(hours=1)
CLOCK_SKEW = timedelta(minutes=5)


def utc_now() -> datetime:
    """Give the present time."""
    return datetime.now(UTC)


class ReadLinks:
    """
    Makes SAS links to the blobs of one container.

    With an account key nothing is called. With an identity one Get User Delegation Key serves all links that end
    before the key does (the role needed: Storage Blob Delegator).
    """

    def __init__(self, service: BlobServiceClient, container: str, *, now: Callable[[], datetime] = utc_now) -> None:
        self._service = service
        self._container = container
        self._now = now
        self._lock = threading.Lock()
        self._key: UserDelegationKey | None = None
        self._key_expires = datetime.min.replace(tzinfo=UTC)

    def link(self, name: str, *, expires: datetime) -> str:
        """Give a link that reads the blob `name` until `expires`, over https only unless the host is loopback."""
        url = self._service.get_blob_client(self._container, name).url
        account_key = getattr(self._service.credential, "account_key", None)
        sas = generate_blob_sas(
            account_name=self._service.account_name or account_in(url),
            container_name=self._container,
            blob_name=name,
            account_key=account_key,
            user_delegation_key=None if account_key else self._delegation_key(expires),
            permission=BlobSasPermissions(read=True),
            expiry=expires,
            protocol=None if is_loopback(urlsplit(url).hostname or "") else "https",
        )
        return f"{url}?{sas}"

    def _delegation_key(self, expires: datetime) -> UserDelegationKey:
        with self._lock:
            if self._key is None or self._key_expires < expires:
                self._key, self._key_expires = self._fetch_key(expires)
            return self._key

    def _fetch_key(self, expires: datetime) -> tuple[UserDelegationKey, datetime]:
        now = self._now()
        if expires > now + LONGEST_DELEGATION:
            raise ValueError("a link by user delegation lives for 7 days at most")
        until = min(max(expires, now + SHORTEST_KEY_LIFE), now + LONGEST_DELEGATION)
        return self._service.get_user_delegation_key(now - CLOCK_SKEW, until), until


def account_in(url: str) -> str:
    """
    Give the account's name by a URL's host, where the SDK finds none.

    It knows `name.blob.core...` only; endpoints in a DNS zone (`name.z01.blob.storage.azure.net`) start with it too.
    """
    return (urlsplit(url).hostname or "").partition(".")[0]

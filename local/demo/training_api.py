"""The few calls of the Training API v3.3 that fill a resource, and the reading that the demo's proof needs."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import requests

_SECONDS = 60
_IDS_A_READ = 64
_PUBLISH_TARGET = (
    "/subscriptions/00000000-0000-4000-a000-000000000000/resourceGroups/demo"
    "/providers/Microsoft.CognitiveServices/accounts/demo-prediction"
)
Json = dict[str, Any]


class TrainingApi:
    """Calls to the resource at `url`. A refusal is a requests.HTTPError; use it as a context manager."""

    def __init__(self, url: str, key: str) -> None:
        self._base = f"{url}/customvision/v3.3/training"
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the shell has no business on the loopback address
        self._session.headers["Training-Key"] = key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def create_project(self, name: str, description: str, domain_id: str) -> str:
        """CreateProject; its id."""
        query = {"name": name, "description": description, "domainId": domain_id}
        return str(self._call("POST", "/projects", params=query)["id"])

    def create_tag(self, project: str, name: str) -> str:
        """CreateTag; its id."""
        return str(self._call("POST", f"/projects/{project}/tags", params={"name": name})["id"])

    def create_images(
        self, project: str, entries: Sequence[Json], metadata: Mapping[str, str] | None
    ) -> dict[str, str]:
        """CreateImagesFromFiles, at most 64; ids by the entries' names."""
        body = {"images": entries, "metadata": metadata}
        made = self._call("POST", f"/projects/{project}/images/files", json=body)
        return {one["sourceUrl"]: str(one["image"]["id"]) for one in made["images"]}

    def delete_images(self, project: str, ids: Iterable[str]) -> None:
        """DeleteImages without `allIterations`: gone from the workspace, kept in every iteration trained before."""
        self._call("DELETE", f"/projects/{project}/images", params={"imageIds": ",".join(ids)})

    def train(self, project: str) -> str:
        """TrainProject; the id of the iteration, which is in training then."""
        return str(self._call("POST", f"/projects/{project}/train")["id"])

    def is_trained(self, project: str, iteration: str) -> bool:
        """Whether the training has completed."""
        return bool(self._call("GET", f"/projects/{project}/iterations/{iteration}")["status"] == "Completed")

    def publish(self, project: str, iteration: str, name: str) -> None:
        """PublishIteration."""
        query = {"publishName": name, "predictionId": _PUBLISH_TARGET}
        self._call("POST", f"/projects/{project}/iterations/{iteration}/publish", params=query)

    def store_prediction(self, project: str, picture: bytes) -> None:
        """QuickTestImage that keeps the picture as a stored prediction."""
        self._call("POST", f"/projects/{project}/quicktest/image", params={"store": "true"}, data=picture)

    def links(self, project: str, iteration: str | None, ids: Sequence[str]) -> dict[str, str]:
        """GetImagesByIds in the workspace (None) or an iteration; the links to the originals by image id."""
        query = {"iterationId": iteration} if iteration else {}
        found: dict[str, str] = {}
        for start in range(0, len(ids), _IDS_A_READ):
            some = query | {"imageIds": ",".join(ids[start : start + _IDS_A_READ])}
            rows = self._call("GET", f"/projects/{project}/images/id", params=some)
            found |= {row["id"]: str(row["originalImageUri"]) for row in rows}
        return found

    def bytes_at(self, link: str) -> bytes | None:
        """What storage answers to a link; None where there is nothing any more."""
        answer = self._session.get(link, headers={"Training-Key": None}, timeout=_SECONDS)
        if answer.status_code == requests.codes.not_found:
            return None
        answer.raise_for_status()
        return answer.content

    def _call(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 - JSON
        answer = self._session.request(method, self._base + path, timeout=_SECONDS, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def image_entry(name: str, content: bytes, tag_ids: Iterable[str], regions: Iterable[Json]) -> Json:
    """Return one image as CreateImagesFromFiles takes it."""
    encoded = base64.b64encode(content).decode()
    return {"name": name, "contents": encoded, "tagIds": list(tag_ids), "regions": list(regions)}

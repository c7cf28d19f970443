"""One session over every operation of the Training API, recorded: what other tests hold against other people's data."""

import base64
from typing import Any, NamedTuple

from local.custom_vision.control import EmulatorControl
from local.custom_vision.routes import match
from tests.emulator.conftest import Api, picture

COMPACT = "0732100f-1a38-4e49-a514-c9b44c697ab5"
DETECTION = "da2e3a8a-40a5-4171-82f4-58522f70fbc1"
TARGET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a-Prediction"
BOX = {"left": 0.1, "top": 0.2, "width": 0.3, "height": 0.4}


class Exchange(NamedTuple):
    """One call and its answer; `body` is the decoded JSON, bytes for an artifact, None for an empty body."""

    operation: str
    status: int
    body: Any


class Session:
    """Calls, keeping every exchange."""

    def __init__(self, api: Api, control: EmulatorControl) -> None:
        self.exchanges: list[Exchange] = []
        self.control = control
        self._api = api

    def call(self, method: str, path: str, /, json: Any = None, data: bytes | None = None, **query: Any) -> Any:
        answer = self._api.call(method, path, params=query, json=json, data=data)
        found = match(method, answer.request.path_url.partition("?")[0])
        assert found is not None
        if answer.headers.get("Content-Type") == "application/octet-stream":
            body: Any = answer.content
        else:
            body = answer.json() if answer.content else None
        self.exchanges.append(Exchange(found.operation.name, answer.status_code, body))
        return body


def drive(api: Api, control: EmulatorControl) -> list[Exchange]:
    """The whole session: a classification and a detection project, a copy, refusals."""
    session = Session(api, control)
    control.switch(training_seconds=1)
    link = _source_of_links(api)
    _domains(session)
    project, tags = _project(session)
    images = _images(session, project, tags, link)
    iteration = _training(session, project)
    _reading(session, project, iteration, tags, images)
    _predictions(session, project, iteration, link)
    _suggestions(session, project, iteration, tags)
    _detection(session)
    _copy(session, project)
    _refusals(session, project, iteration)
    _deletion(session, project, iteration, tags, images)
    return session.exchanges


def _source_of_links(api: Api) -> str:
    uploaded = api.upload(api.project("Source of links"), picture(250))
    return str(uploaded["images"][0]["image"]["originalImageUri"])


def _domains(session: Session) -> None:
    session.call("GET", "/domains")
    session.call("GET", f"/domains/{COMPACT}")


def _project(session: Session) -> tuple[str, list[str]]:
    created = session.call("POST", "/projects", name="Pets", description="of the street", domainId=COMPACT)
    path = f"/projects/{created['id']}"
    session.call("PATCH", path, json={"name": "Pets of the street", "description": "all", "settings": {}})
    session.call("GET", path)
    session.call("GET", "/projects")
    tags = [session.call("POST", path + "/tags", name=name, description="")["id"] for name in ("cat", "dog")]
    described = session.call("POST", path + "/tags", name="bird", description="with feathers")["id"]
    session.call("PATCH", f"{path}/tags/{described}", json={"name": "crow", "description": "black", "type": "Regular"})
    return str(created["id"]), [*tags, described]


def _images(session: Session, project: str, tags: list[str], link: str) -> list[str]:
    path = f"/projects/{project}/images"
    files = [{"name": f"{n}.jpg", "contents": _text(n), "tagIds": [tags[n % 2]]} for n in range(12)]
    first = session.call("POST", path + "/files", json={"images": files, "metadata": {"subject": "s1"}})
    session.call("POST", path, data=picture(100), tagIds=",".join(tags[:1]))
    session.call("POST", path + "/urls", json={"images": [{"url": link}], "tagIds": tags[1:2]})
    bare = session.call("POST", path + "/files", json={"images": [{"name": "bare.jpg", "contents": _text(101)}]})
    bad = {"name": "text.jpg", "contents": base64.b64encode(b"no picture").decode()}
    session.call("POST", path + "/files", json={"images": [bad, files[0]]})
    return [one["image"]["id"] for one in first["images"] + bare["images"]]


def _text(number: int) -> str:
    return base64.b64encode(picture(number)).decode()


def _training(session: Session, project: str) -> str:
    path = f"/projects/{project}"
    iteration = session.call("POST", path + "/train", reservedBudgetInHours=0, forceTrain="false")["id"]
    session.call("GET", f"{path}/iterations/{iteration}")
    session.control.advance(5)
    session.call("GET", f"{path}/iterations/{iteration}")
    session.call("POST", f"{path}/iterations/{iteration}/publish", publishName="live", predictionId=TARGET)
    session.call("PATCH", f"{path}/iterations/{iteration}", json={"name": "The first"})
    session.call("GET", f"{path}/iterations")
    session.call("POST", f"{path}/iterations/{iteration}/export", platform="TensorFlow")
    session.call("GET", f"{path}/iterations/{iteration}/export")
    session.control.advance(5)
    session.call("GET", f"{path}/iterations/{iteration}/export")
    return str(iteration)


def _reading(session: Session, project: str, iteration: str, tags: list[str], images: list[str]) -> None:
    path, results = f"/projects/{project}", f"/projects/{project}/iterations/{iteration}/performance"
    queries: list[dict[str, Any]] = [{}, {"iterationId": iteration}]
    for query in queries:
        session.call("GET", path + "/tags", **query)
        session.call("GET", f"{path}/tags/{tags[0]}", **query)
        session.call("GET", path + "/images", take=256, **query)
        session.call("GET", path + "/images/tagged", tagIds=tags[0], **query)
        session.call("GET", path + "/images/untagged", **query)
        session.call("GET", path + "/images/id", imageIds=",".join(images), **query)
        for kind in ("", "/tagged", "/untagged"):
            session.call("GET", f"{path}/images{kind}/count", **query)
    session.call("GET", results, threshold=0.9)
    session.call("GET", results + "/images", take=256)
    session.call("GET", results + "/images/count")
    blob = f"/i-{project.replace('-', '')}/i-{images[0].replace('-', '')}"
    session.call("GET", path + "/artifacts", path=blob)


def _predictions(session: Session, project: str, iteration: str, link: str) -> None:
    path = f"/projects/{project}"
    session.call("POST", path + "/quicktest/image", data=picture(7), iterationId=iteration, store="true")
    session.call("POST", path + "/quicktest/url", json={"url": link}, iterationId=iteration)
    page = session.call("POST", path + "/predictions/query", json={"maxCount": 1, "orderBy": "Newest"})
    last = session.call("POST", path + "/predictions/query", json=page["token"])
    entries = [{"id": last["results"][0]["id"]}]
    session.call("POST", path + "/images/predictions", json={"images": entries})
    session.call("DELETE", path + "/predictions", ids=page["results"][0]["id"])


def _suggestions(session: Session, project: str, iteration: str, tags: list[str]) -> None:
    path = f"/projects/{project}"
    untagged = session.call("GET", path + "/images/untagged")
    ids = ",".join(image["id"] for image in untagged)
    session.call("POST", path + "/tagsandregions/suggestions", iterationId=iteration, imageIds=ids)
    query = {"tagIds": tags, "threshold": 0.0, "maxCount": 10}
    session.call("POST", path + "/images/suggested", json=query, iterationId=iteration)
    session.call("POST", path + "/images/suggested/count", json=query, iterationId=iteration)


def _detection(session: Session) -> None:
    project = session.call("POST", "/projects", name="Cars", domainId=DETECTION)["id"]
    path = f"/projects/{project}"
    tag = session.call("POST", path + "/tags", name="car")["id"]
    entry = {"name": "car.jpg", "contents": _text(60), "regions": [{"tagId": tag} | BOX]}
    image = session.call("POST", path + "/images/files", json={"images": [entry]})["images"][0]["image"]["id"]
    other = {"imageId": image, "tagId": tag} | BOX | {"left": 0.5}
    session.call("POST", path + "/images/regions", json={"regions": [other, other]})
    session.call("GET", path + "/images/tagged")
    iteration = session.call("POST", path + "/train")["id"]
    session.control.advance(5)
    session.call("POST", path + "/quicktest/image", data=picture(61), iterationId=iteration)
    session.call("POST", path + "/predictions/query", json={"maxCount": 0, "orderBy": "Oldest"})
    region = session.call("GET", path + "/images/id", imageIds=image)[0]["regions"][0]["regionId"]
    session.call("DELETE", path + "/images/regions", regionIds=region)


def _copy(session: Session, project: str) -> None:
    token = session.call("GET", f"/projects/{project}/export")["token"]
    twin = session.call("POST", "/projects/import", token=token)["id"]
    session.control.advance(5)
    session.call("GET", f"/projects/{twin}")
    session.call("GET", f"/projects/{twin}/iterations")


def _refusals(session: Session, project: str, iteration: str) -> None:
    nobody = "00000000-0000-4000-a000-000000000000"
    session.call("GET", f"/projects/{nobody}")
    session.call("GET", f"/projects/{project}/images", take=257)
    session.call("GET", f"/projects/{project}/iterations/{nobody}")
    session.call("DELETE", f"/projects/{project}/iterations/{iteration}")
    session.call("DELETE", f"/projects/{project}")


def _deletion(session: Session, project: str, iteration: str, tags: list[str], images: list[str]) -> None:
    path = f"/projects/{project}"
    session.call("POST", path + "/images/metadata", json={"type": "unit test"}, imageIds=",".join(images[:2]))
    session.call("DELETE", path + "/images/tags", imageIds=images[0], tagIds=tags[0])
    session.call("POST", path + "/images/tags", json={"tags": [{"imageId": images[0], "tagId": tags[0]}]})
    session.call("DELETE", path + "/images", imageIds=images[0])
    session.call("DELETE", path + "/images", imageIds=images[1], allIterations="true")
    session.call("DELETE", f"{path}/tags/{tags[2]}")
    session.call("DELETE", f"{path}/iterations/{iteration}/publish")
    session.call("DELETE", f"{path}/iterations/{iteration}")
    session.call("DELETE", path)

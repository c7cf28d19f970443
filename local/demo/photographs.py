"""Fills a Custom Vision resource with the demo's projects, through the Training API alone."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched, groupby

import requests

from local.demo.pictures import PhotographsMissingError, picture, things_seen
from local.demo.scenes import (
    DEFAULT_IMAGES,
    PREDICTIONS,
    SCENES,
    SUBJECT_KEY,
    Box,
    ProjectScene,
    Shot,
    shots_of,
    tag_names,
    taken_away,
)
from local.demo.training_api import Json, TrainingApi, image_entry
from local.pieces import TRAINING_KEY

_WORKERS = 4
_IMAGES_A_CALL = 24
"""The service takes 64; smaller calls keep the workers even."""
_TRAINING_LIMIT_SECONDS = 60.0
_POLL_SECONDS = 0.1


class TrainingTooSlowError(RuntimeError):
    """A training did not complete in time."""


FILL_PROBLEMS = (PhotographsMissingError, TrainingTooSlowError, requests.RequestException)
"""What can keep a resource from being filled."""


@dataclass(frozen=True)
class _Project:
    """A project that is being filled: where, its tags by name, the ids of what was uploaded by the shot's number."""

    api: TrainingApi
    scene: ProjectScene
    id: str
    tag_ids: Mapping[str, str]
    image_ids: dict[int, str]


def fill(url: str, key: str = TRAINING_KEY, images: int = DEFAULT_IMAGES) -> None:
    """Make the demo's projects in the resource at `url`: `images` photographs in all, iterations, predictions.

    The pictures, tags, regions and metadata are the same every time; only the ids are the service's.

    Raises:
        ImagesSettingError: fewer than FEWEST_IMAGES.
        PhotographsMissingError: scikit-image is not installed.
        TrainingTooSlowError: an iteration is not trained after a minute.
        requests.RequestException: the resource refuses or does not answer.
    """
    shots = [shots_of(scene, images) for scene in SCENES]
    with TrainingApi(url, key) as api, ThreadPoolExecutor(_WORKERS) as pool, ThreadPoolExecutor(len(SCENES)) as each:
        try:
            list(each.map(lambda scene, those: _fill_project(_created(api, scene), those, pool), SCENES, shots))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # whoever stops the filling need not wait for the rest of it
            raise


def _created(api: TrainingApi, scene: ProjectScene) -> _Project:
    project = api.create_project(scene.name, scene.description, scene.domain_id)
    return _Project(api, scene, project, {name: api.create_tag(project, name) for name in tag_names(scene)}, {})


def _fill_project(project: _Project, shots: list[Shot], pool: ThreadPoolExecutor) -> None:
    api, scene = project.api, project.scene
    _upload(project, [shot for shot in shots if shot.wave == 1], pool)
    newest = _trained(project)
    api.delete_images(project.id, [project.image_ids[shot.number] for shot in taken_away(shots)])
    _upload(project, [shot for shot in shots if shot.wave == 2], pool)
    if scene.trainings > 1:
        newest = _trained(project)
    if scene.publish_name:
        api.publish(project.id, newest, scene.publish_name)
        _store_predictions(project, len(shots))


def _upload(project: _Project, shots: Iterable[Shot], pool: ThreadPoolExecutor) -> None:
    """Upload by person, since the metadata is that of a whole call."""
    by_person = groupby(sorted(shots, key=lambda shot: (shot.person or "", shot.number)), lambda shot: shot.person)
    calls = [some for _, theirs in by_person for some in batched(theirs, _IMAGES_A_CALL, strict=False)]
    for made in pool.map(lambda some: _create_images(project, some), calls):
        project.image_ids.update(made)


def _create_images(project: _Project, shots: tuple[Shot, ...]) -> dict[int, str]:
    person = shots[0].person
    entries = [_entry(project, shot) for shot in shots]
    ids = project.api.create_images(project.id, entries, {SUBJECT_KEY: person} if person else None)
    return {shot.number: ids[shot.name] for shot in shots}


def _entry(project: _Project, shot: Shot) -> Json:
    content = picture(project.scene.name, shot)
    if not shot.tagged:
        return image_entry(shot.name, content, (), ())
    boxes = things_seen(project.scene.name, shot)
    regions = [_region(project.tag_ids[tag], box) for tag, box in boxes.items()]
    return image_entry(shot.name, content, [project.tag_ids[name] for name in shot.photograph.tags], regions)


def _region(tag_id: str, box: Box) -> Json:
    left, top, right, bottom = box
    return {"tagId": tag_id, "left": left, "top": top, "width": right - left, "height": bottom - top}


def _trained(project: _Project) -> str:
    iteration = project.api.train(project.id)
    deadline = time.monotonic() + _TRAINING_LIMIT_SECONDS
    while not project.api.is_trained(project.id, iteration):
        if time.monotonic() > deadline:
            raise TrainingTooSlowError(f"The training of {project.scene.name} did not complete in time.")
        time.sleep(_POLL_SECONDS)
    return iteration


def _store_predictions(project: _Project, first_number: int) -> None:
    """Ask the newest iteration about pictures of nobody, which the service keeps."""
    for number in range(PREDICTIONS):
        photograph = project.scene.photographs[number % len(project.scene.photographs)]
        shot = Shot(first_number + number, photograph, "JPEG", None, tagged=False, wave=2)
        project.api.store_prediction(project.id, picture(project.scene.name, shot))

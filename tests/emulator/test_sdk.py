"""Microsoft's own SDK drives every operation that it shares with the emulator."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests
from azure.cognitiveservices.vision.customvision import prediction as prediction_package
from azure.cognitiveservices.vision.customvision import training as training_package
from msrest.authentication import ApiKeyCredentials

from local.custom_vision.control import EmulatorControl
from local.custom_vision.routes import OPERATIONS
from local.custom_vision.server import RunningEmulator
from tests.emulator.conftest import picture

# The SDK's types are wrong in places (bytes, results that are never None): it is driven untyped.
CustomVisionPredictionClient: Any = prediction_package.CustomVisionPredictionClient
CustomVisionTrainingClient: Any = training_package.CustomVisionTrainingClient
models: Any = training_package.models

COMPACT = "0732100f-1a38-4e49-a514-c9b44c697ab5"
DETECTION = "da2e3a8a-40a5-4171-82f4-58522f70fbc1"
TARGET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a-Prediction"


@pytest.fixture
def training(emulator: RunningEmulator) -> Iterator[Any]:
    credentials = ApiKeyCredentials(in_headers={"Training-key": emulator.key})
    with CustomVisionTrainingClient(emulator.url, credentials) as client:
        yield client


@pytest.fixture
def predicting(emulator: RunningEmulator) -> Iterator[Any]:
    credentials = ApiKeyCredentials(in_headers={"Prediction-key": emulator.prediction_key})
    with CustomVisionPredictionClient(emulator.url, credentials) as client:
        yield client


def _files(*pictures: bytes, **entry: Any) -> list[Any]:
    return [
        models.ImageFileCreateEntry(name=f"{number}.jpg", contents=data, **entry)
        for number, data in enumerate(pictures)
    ]


def _upload(training: Any, project: str, *pictures: bytes, **batch: Any) -> list[str]:
    summary = training.create_images_from_files(project, models.ImageFileCreateBatch(images=_files(*pictures), **batch))
    assert summary.is_batch_successful
    return [result.image.id for result in summary.images]


def _trained(training: Any, control: EmulatorControl, project: str) -> Any:
    iteration = training.train_project(project)
    assert iteration.status == "Training"
    control.advance(10)
    completed = training.get_iteration(project, iteration.id)
    assert completed.status == "Completed"
    return completed


def _link(emulator: RunningEmulator, training: Any) -> str:
    """A link to a picture on this machine: the stored image of another project."""
    other = training.create_project("Source of links").id
    (image_id,) = _upload(training, other, picture(200))
    return str(training.get_images_by_ids(other, [image_id])[0].original_image_uri)


def test_domains(training: Any) -> None:
    domains = training.get_domains()
    assert {domain.type for domain in domains} == {"Classification", "ObjectDetection"}
    assert training.get_domain(COMPACT).exportable is True


def test_projects_from_creation_to_deletion(training: Any) -> None:
    project = training.create_project("Pets", description="of the street", domain_id=COMPACT)
    project.name = "Pets of the street"
    assert training.update_project(project.id, project).name == "Pets of the street"
    assert [one.id for one in training.get_projects()] == [project.id]
    assert training.get_project(project.id).settings.domain_id == COMPACT
    training.delete_project(project.id)
    with pytest.raises(models.CustomVisionErrorException) as refused:
        training.get_project(project.id)
    assert refused.value.error.code == "NotFoundProject"


def test_tags_from_creation_to_deletion(training: Any) -> None:
    project = training.create_project("Pets").id
    tag = training.create_tag(project, "cat", description="", type="Regular")
    assert tag.description is None
    training.update_tag(project, tag.id, models.Tag(name="tomcat", description="he", type="Regular"))
    assert training.get_tag(project, tag.id).name == "tomcat"
    assert [one.name for one in training.get_tags(project)] == ["tomcat"]
    training.delete_tag(project, tag.id)
    assert training.get_tags(project) == []


def test_images_arrive_by_every_way(training: Any, emulator: RunningEmulator) -> None:
    link = _link(emulator, training)
    project = training.create_project("Pets").id
    tag = training.create_tag(project, "cat").id
    by_form = training.create_images_from_data(project, picture(1), tag_ids=[tag])
    by_link = training.create_images_from_urls(
        project, models.ImageUrlCreateBatch(images=[models.ImageUrlCreateEntry(url=link, tag_ids=[tag])])
    )
    by_file = _upload(training, project, picture(2), metadata={"subject": "s1"})
    assert by_form.is_batch_successful
    assert by_link.is_batch_successful
    assert training.get_image_count(project) == 3
    assert training.get_tagged_image_count(project) == 2
    assert training.get_untagged_image_count(project) == 1
    (untagged,) = training.get_untagged_images(project)
    assert (untagged.id, untagged.metadata) == (by_file[0], {"subject": "s1"})
    assert requests.get(untagged.original_image_uri, timeout=10).content == picture(2)
    assert len(training.get_tagged_images(project, tag_ids=[tag])) == 2
    assert len(training.get_images(project, tagging_status="All", order_by="Oldest", take=2)) == 2


def test_tags_and_metadata_of_images_change(training: Any) -> None:
    project = training.create_project("Pets").id
    tag = training.create_tag(project, "cat").id
    (image,) = _upload(training, project, picture())
    entry = models.ImageTagCreateEntry(image_id=image, tag_id=tag)
    assert len(training.create_image_tags(project, [entry]).created) == 1
    assert len(training.create_image_tags(project, [entry]).duplicated) == 1
    training.delete_image_tags(project, [image], [tag])
    assert training.get_untagged_image_count(project) == 1
    updated = training.update_image_metadata(project, [image], {"type": "unit test"})
    assert updated.is_batch_successful
    assert training.get_images(project, filter="metadata=type eq 'unit test'")[0].id == image


def test_regions_bring_and_take_their_tag(training: Any) -> None:
    project = training.create_project("Cars", domain_id=DETECTION).id
    tag = training.create_tag(project, "car").id
    (image,) = _upload(training, project, picture())
    box = models.ImageRegionCreateEntry(image_id=image, tag_id=tag, left=0.1, top=0.2, width=0.3, height=0.4)
    (created,) = training.create_image_regions(project, [box]).created
    (seen,) = training.get_tagged_images(project)
    assert (seen.regions[0].region_id, seen.regions[0].width) == (created.region_id, 0.3)
    training.delete_image_regions(project, [created.region_id])
    assert training.get_tagged_images(project) == []


def test_images_are_deleted_here_or_everywhere(training: Any, control: EmulatorControl) -> None:
    project = training.create_project("Pets").id
    first, second = _upload(training, project, picture(1), picture(2))
    iteration = _trained(training, control, project).id
    training.delete_images(project, image_ids=[first])
    assert training.get_image_count(project) == 1
    assert training.get_image_count(project, iteration_id=iteration) == 2
    training.delete_images(project, image_ids=[first, second], all_iterations=True)
    control.advance(10)
    assert training.get_image_count(project, iteration_id=iteration) == 0
    assert training.get_images(project) == []


def test_iterations_from_training_to_deletion(training: Any, control: EmulatorControl) -> None:
    project = training.create_project("Pets").id
    training.create_tag(project, "cat")
    _upload(training, project, *map(picture, range(20)), tag_ids=[training.get_tags(project)[0].id])
    iteration = _trained(training, control, project)
    assert training.update_iteration(project, iteration.id, "The first").name == "The first"
    assert training.publish_iteration(project, iteration.id, "live", TARGET) is True
    assert training.get_iterations(project)[0].publish_name == "live"
    assert training.get_iteration_performance(project, iteration.id, threshold=0.5).precision == 1.0
    count = training.get_image_performance_count(project, iteration.id)
    assert len(training.get_image_performances(project, iteration.id, take=256)) == count
    with pytest.raises(models.CustomVisionErrorException) as refused:
        training.delete_iteration(project, iteration.id)
    assert refused.value.error.code == "BadRequestIterationIsPublished"
    training.unpublish_iteration(project, iteration.id)
    training.delete_iteration(project, iteration.id)
    assert training.get_iterations(project) == []


def test_a_model_is_exported_and_downloaded(training: Any, control: EmulatorControl) -> None:
    project = training.create_project("Pets", domain_id=COMPACT).id
    _upload(training, project, picture())
    iteration = _trained(training, control, project).id
    assert training.export_iteration(project, iteration, "TensorFlow").status == "Exporting"
    control.advance(10)
    (done,) = training.get_exports(project, iteration)
    assert (done.status, done.flavor) == ("Done", "TensorFlowNormal")
    assert requests.get(done.download_uri, timeout=10).content.startswith(b"PK")


def test_a_project_is_copied(training: Any, control: EmulatorControl) -> None:
    project = training.create_project("Pets").id
    _upload(training, project, picture())
    report = training.export_project(project)
    twin = training.import_project(report.token)
    assert (report.image_count, twin.name, twin.status) == (1, "Pets (1)", "Importing")
    control.advance(10)
    assert training.get_project(twin.id).status == "Succeeded"
    assert training.get_image_count(twin.id) == 1


def test_the_bytes_of_a_project_without_links_come_through_the_api(training: Any, control: EmulatorControl) -> None:
    control.virtual_network("all")
    project = training.create_project("Pets").id
    _upload(training, project, picture(4))
    (image,) = training.get_images(project)
    assert image.original_image_uri.startswith("/i-")
    assert b"".join(training.get_artifact(project, image.original_image_uri)) == picture(4)


def test_predictions_are_stored_queried_turned_into_images_and_deleted(
    training: Any, predicting: Any, control: EmulatorControl, emulator: RunningEmulator
) -> None:
    project = training.create_project("Pets").id
    training.create_tag(project, "cat")
    _upload(training, project, picture())
    iteration = _trained(training, control, project).id
    training.publish_iteration(project, iteration, "live", TARGET)
    link = _link(emulator, training)
    training.quick_test_image(project, picture(1), iteration_id=iteration)
    training.quick_test_image_url(project, link, iteration_id=iteration)
    training.quick_test_image(project, picture(2), iteration_id=iteration, store=False)
    predicting.classify_image(project, "live", picture(3))
    predicting.classify_image_url(project, "live", url=link)
    predicting.classify_image_with_no_store(project, "live", picture(4))
    predicting.classify_image_url_with_no_store(project, "live", url=link)
    found = training.query_predictions(project, models.PredictionQueryToken(max_count=0, order_by="Newest"))
    assert (len(found.results), found.token.continuation) == (4, None)
    entries = [models.ImageIdCreateEntry(id=found.results[0].id)]
    made = training.create_images_from_predictions(project, models.ImageIdCreateBatch(images=entries))
    assert made.images[0].source_url == found.results[0].id
    training.delete_prediction(project, [one.id for one in found.results])
    assert training.query_predictions(project, found.token).results == []


def test_detection_predictions_have_boxes(training: Any, predicting: Any, control: EmulatorControl) -> None:
    project = training.create_project("Cars", domain_id=DETECTION).id
    training.create_tag(project, "car")
    iteration = _trained(training, control, project).id
    training.publish_iteration(project, iteration, "live", TARGET)
    (guess,) = predicting.detect_image(project, "live", picture()).predictions
    assert 0 < guess.bounding_box.width < 1
    assert predicting.detect_image_with_no_store(project, "live", picture()).predictions


def test_suggestions_are_made_and_queried(training: Any, control: EmulatorControl) -> None:
    project = training.create_project("Pets").id
    tag = training.create_tag(project, "cat").id
    (image,) = _upload(training, project, picture())
    iteration = _trained(training, control, project).id
    (suggested,) = training.suggest_tags_and_regions(project, iteration, [image])
    assert suggested.predictions[0].tag_id == tag
    assert training.query_suggested_image_count(project, iteration, tag_ids=[tag], threshold=0.1) == {tag: 1}
    query = models.SuggestedTagAndRegionQueryToken(tag_ids=[tag], threshold=0.1, max_count=10)
    assert [one.id for one in training.query_suggested_images(project, iteration, query).results] == [image]


def test_a_wrong_key_is_refused(emulator: RunningEmulator) -> None:
    wrong = ApiKeyCredentials(in_headers={"Training-key": str(uuid4())})
    with CustomVisionTrainingClient(emulator.url, wrong) as client:
        with pytest.raises(models.CustomVisionErrorException) as refused:
            client.get_projects()
        assert refused.value.response.status_code == 401


def test_the_emulator_has_all_operations_of_the_sdk_but_region_proposals() -> None:
    """Region proposals are computed for the portal and keep nothing: nothing to export, nothing to erase."""
    sdk = {name for name in dir(CustomVisionTrainingClient) if not name.startswith("_")}
    ours = {"".join(f"_{c.lower()}" if c.isupper() else c for c in one.name)[1:] for one in OPERATIONS}
    operations = {name for name in sdk if getattr(getattr(CustomVisionTrainingClient, name), "metadata", None)}
    assert operations - ours == {"get_image_region_proposals"}

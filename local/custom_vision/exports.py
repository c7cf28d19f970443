"""Model packages (ExportIteration, GetExports) and project copies (ExportProject, ImportProject)."""

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from local.custom_vision.call import Call
from local.custom_vision.clock import TICKS_PER_SECOND
from local.custom_vision.domains import DOMAINS
from local.custom_vision.errors import ServiceError
from local.custom_vision.model import Export, Image, Iteration, Project
from local.custom_vision.projects import new_project, unused_name
from local.custom_vision.render import export_json, project_json
from local.custom_vision.scope import Scope
from local.custom_vision.wire import Answer, json_answer
from local.custom_vision.world import World, image_blobs, model_blob, project_export_blob

_FLAVORS = {
    "CoreML": (None,),
    "TensorFlow": ("TensorFlowNormal", "TensorFlowLite"),
    "DockerFile": ("Linux", "Windows", "ARM"),
    "ONNX": ("ONNX10", "ONNX12"),
    "VAIDK": (None,),
}


def get_exports(call: Call) -> Answer:
    """GetExports; by default a package's link dies 24 h after the package was made."""
    project = call.project()
    iteration = call.iteration(project)
    return json_answer([export_json(one, _uri(call, iteration, one)) for one in call.world.in_order(iteration.exports)])


def export_iteration(call: Call) -> Answer:
    """ExportIteration: Exporting now, Done after a while. Only completed iterations of compact domains."""
    with call.world.lock:
        project = call.writable_project()
        iteration = call.iteration(project)
        export = _new_export(call, project, iteration)
    data = _package(project, iteration, export)
    call.store.put(export.blob, data, "application/zip")
    with call.world.lock:
        export.size = len(data)
        iteration.exports = [one for one in iteration.exports if one.blob != export.blob]
        iteration.exports.append(export)
        call.world.later(call.world.switches.export_seconds, lambda: _finish(call.world, export))
        return json_answer(export_json(export, None))


def export_project(call: Call) -> Answer:
    """ExportProject: counts, and a token that is a link to a blob whose contents nobody documents."""
    with call.world.lock:
        project = call.project()
        if any(iteration.status == "Training" for iteration in project.iterations.values()):
            raise ServiceError("BadRequestExportWhileTraining", "The project is being trained.")
        scopes = project.scopes()
        images = {image.id: image for scope in scopes for image in scope.images.values()}
        counts = {
            "iterationCount": len(project.iterations),
            "imageCount": len(images),
            "tagCount": sum(len(scope.tags) for scope in scopes),
            "regionCount": sum(len(image.regions) for image in images.values()),
            "estimatedImportTimeInMS": 5_000 + 100 * len(images),
        }
    blob = project_export_blob(project.id)
    call.store.put(blob, json.dumps({"project": project.id}).encode(), "application/octet-stream")
    expiry = call.world.clock.now() + call.world.switches.sas_seconds
    return json_answer(counts | {"token": call.store.link(blob, expiry)})


def import_project(call: Call) -> Answer:
    """ImportProject: an independent copy with new ids, unpublished; `Importing` for a while."""
    with call.world.lock:
        source = call.world.project(_source_id(call))
        name = unused_name(call.world, call.parameters.text("name") or source.name)
        twin = new_project(call.world, name, source.description, dict(source.settings))
        twin.status = "Importing"
        tag_ids = {tag_id: call.world.new_id() for scope in source.scopes() for tag_id in scope.tags}
        rows = {image.id: image for scope in source.scopes() for image in scope.images.values()}
        image_ids = {image_id: call.world.new_id() for image_id in rows}
    for image_id, image in rows.items():
        for target, origin in zip(image_blobs(twin.id, image_ids[image_id]), image[3:5], strict=True):
            call.store.alias(target, origin)
    with call.world.lock:
        _fill(call.world, twin, source, _Renamer(twin.id, tag_ids, image_ids))
        call.world.later(call.world.switches.import_seconds, lambda: _finish_import(call.world, twin))
        return json_answer(project_json(twin, call.links) | {"thumbnailUri": None})


class _Renamer:
    """New ids for what a copied project holds."""

    def __init__(self, project_id: str, tag_ids: dict[str, str], image_ids: dict[str, str]) -> None:
        self._project_id, self._tag_ids, self._image_ids = project_id, tag_ids, image_ids

    def scope(self, scope: Scope, world: World) -> Scope:
        """The list with new ids; images that came after the copying began are left out."""
        copy = Scope()
        for tag in scope.tags.values():
            copy.put_tag(tag._replace(id=self._tag_ids[tag.id]))
        copy.put(self._image(image, world) for image in scope.images.values() if image.id in self._image_ids)
        return copy

    def _image(self, image: Image, world: World) -> Image:
        image_id = self._image_ids[image.id]
        original, small = image_blobs(self._project_id, image_id)
        return image._replace(
            id=image_id,
            original=original,
            thumbnail=small,
            tags=tuple(link._replace(tag_id=self._tag_ids[link.tag_id]) for link in image.tags),
            regions=tuple(
                region._replace(id=world.new_id(), tag_id=self._tag_ids[region.tag_id]) for region in image.regions
            ),
        )


def _fill(world: World, twin: Project, source: Project, renamer: _Renamer) -> None:
    twin.workspace = renamer.scope(source.workspace, world)
    twin.trainings = source.trainings
    for iteration in source.iterations.values():
        copy = replace(iteration, id=world.new_id(), scope=renamer.scope(iteration.scope, world))
        copy.publish_name = copy.publish_target = None
        copy.exports = []
        copy.revision = -1
        twin.iterations[copy.id] = copy
    world.use_blobs(_unique(image for scope in twin.scopes() for image in scope.images.values()))


def _unique(images: Iterable[Image]) -> Iterable[Image]:
    return {image.id: image for image in images}.values()


def _finish_import(world: World, project: Project) -> None:
    project.status, project.modified = "Succeeded", world.now()
    project.settings = project.settings | {"detectionParameters": ""}  # as a recorded import shows


def _source_id(call: Call) -> str:
    container = next(
        (part for part in urlsplit(call.parameters.required("token")).path.split("/") if "prjexp-" in part), ""
    )
    bare = container.removeprefix("prjexp-")
    if len(bare) != len("0" * 32):
        raise ServiceError("BadRequestInvalidImportToken", "The import token is not valid.")
    return f"{bare[:8]}-{bare[8:12]}-{bare[12:16]}-{bare[16:20]}-{bare[20:]}"


def _new_export(call: Call, project: Project, iteration: Iteration) -> Export:
    platform = call.parameters.choice("platform", tuple(_FLAVORS), call.parameters.required("platform"))
    flavors = _FLAVORS[platform]
    flavor = next((one for one in flavors if one == call.parameters.text("flavor")), flavors[0])
    if iteration.trained is None:
        raise ServiceError("BadRequestIterationIsNotTrained", "The iteration is not trained.")
    if platform not in DOMAINS[iteration.domain_id].platforms:
        raise ServiceError("BadRequestExportValidationFailed", "The iteration cannot be exported to this platform.")
    if any(one.done is None and one.platform == platform for one in iteration.exports):
        raise ServiceError("BadRequestExportAlreadyInProgress", "")
    return Export(platform, flavor, model_blob(project.id, iteration.id, platform))


def _package(project: Project, iteration: Iteration, export: Export) -> bytes:
    """A small zip: labels and a manifest, no weights, for there is no model."""
    labels = "\n".join(tag.name for tag in iteration.scope.tags.values())
    manifest = {"Platform": export.platform, "Flavor": export.flavor, "IterationId": iteration.id}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("cvexport.manifest", json.dumps(manifest | {"ProjectId": project.id}))
        package.writestr("labels.txt", labels)
    return out.getvalue()


def _finish(world: World, export: Export) -> None:
    export.done = world.now()


def _uri(call: Call, iteration: Iteration, export: Export) -> str | None:
    if export.done is None:
        return None
    switches = call.world.switches
    fixed = export.done / TICKS_PER_SECOND + switches.sas_seconds
    return call.links.uri(export.blob, iteration.id, fixed if switches.model_links == "fixed" else None)

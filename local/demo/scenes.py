"""What the demo's two projects consist of: which photograph, whose, with which tags. Pure, the same every time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

SUBJECT_KEY = "subject"
"""Metadata key under which an image says whose it is."""
SUBJECT = "person-7"
"""Whom the demo erases. Both projects hold pictures of each of the people."""
PEOPLE: tuple[str | None, ...] = (*(f"person-{number}" for number in range(1, 13)), None)
"""Given to the shots in turn; the last kind of shot is nobody's."""
DEFAULT_IMAGES = 300
FEWEST_IMAGES = 60
"""With fewer, not everybody would have two pictures before the first training of each project."""
PREDICTIONS = 4
"""Stored predictions of the published iteration, of pictures that are nobody's."""
PNG_EVERY = 5
UNTAGGED_EVERY = 9

Box = tuple[float, float, float, float]
"""Left, top, right, bottom of something in a photograph, as fractions of its sides."""


class ImagesSettingError(ValueError):
    """The number of images is no number, or too small; the text says what it must be."""


@dataclass(frozen=True)
class Photograph:
    """A photograph of scikit-image, its tags as a whole, and the things in it by tag."""

    file: str
    tags: tuple[str, ...] = ()
    things: Mapping[str, Box] | None = None


@dataclass(frozen=True)
class ProjectScene:
    """A project: what is photographed, how many of the images it gets, and when it is trained.

    `share`: part of all images. `first_wave`: part of the project's images that is there at its first training.
    """

    name: str
    description: str
    domain_id: str
    photographs: tuple[Photograph, ...]
    share: float
    first_wave: float
    trainings: int
    publish_name: str | None = None


@dataclass(frozen=True)
class Shot:
    """One image to be: `number` within its project decides about its crop; `wave` 1 is before the first training."""

    number: int
    photograph: Photograph
    kind: str
    person: str | None
    tagged: bool
    wave: int

    @property
    def name(self) -> str:
        """The file name at upload, unique within the project."""
        return f"{self.number:05d}.{'png' if self.kind == 'PNG' else 'jpg'}"


RECEPTION = ProjectScene(
    name="Reception photos",
    description="Pictures taken at the front desk",
    domain_id="ee85a74c-405e-4adc-bb47-ffa8ca0c9f31",
    photographs=(
        Photograph("astronaut.png", ("portrait", "uniform")),
        Photograph("camera.png", ("portrait", "camera")),
        Photograph("chelsea.png", ("animal",)),
        Photograph("coffee.png", ("coffee",)),
    ),
    share=0.6,
    first_wave=0.7,
    trainings=2,
    publish_name="reception-live",
)
_MOTORCYCLE: Mapping[str, Box] = {"motorcycle": (0.12, 0.13, 0.93, 0.91)}
WORKSHOP = ProjectScene(
    name="Workshop safety",
    description="Who and what is in the workshop",
    domain_id="da2e3a8a-40a5-4171-82f4-58522f70fbc1",
    photographs=(
        Photograph("motorcycle_left.png", things=_MOTORCYCLE),
        Photograph("astronaut.png", things={"face": (0.30, 0.02, 0.60, 0.37), "helmet": (0.55, 0.67, 1.0, 1.0)}),
        Photograph("motorcycle_right.png", things={"motorcycle": (0.09, 0.13, 0.85, 0.91)}),
        Photograph("camera.png", things={"person": (0.05, 0.12, 0.60, 1.0), "tripod": (0.47, 0.26, 0.80, 0.98)}),
    ),
    share=0.4,
    first_wave=0.85,
    trainings=1,
)
SCENES = (RECEPTION, WORKSHOP)


def images_wanted(environ: Mapping[str, str]) -> int:
    """Return how many images the projects hold in all: DEMO_IMAGES, or the usual number.

    Raises:
        ImagesSettingError: it is no number from FEWEST_IMAGES on.
    """
    text = environ.get("DEMO_IMAGES") or str(DEFAULT_IMAGES)
    if not text.isdecimal() or int(text) < FEWEST_IMAGES:
        raise ImagesSettingError(f"DEMO_IMAGES must be a number from {FEWEST_IMAGES} on.")
    return int(text)


def shots_of(scene: ProjectScene, images: int) -> list[Shot]:
    """Return the scene's part of `images` shots in all: people, photographs and kinds in turn.

    Raises:
        ImagesSettingError: `images` is below FEWEST_IMAGES.
    """
    if images < FEWEST_IMAGES:
        raise ImagesSettingError(f"The demo needs at least {FEWEST_IMAGES} images.")
    count = round(images * scene.share)
    first_wave = round(count * scene.first_wave)
    return [_shot(scene, number, 1 if number < first_wave else 2) for number in range(count)]


def tag_names(scene: ProjectScene) -> list[str]:
    """Return every tag of the scene once, in order of appearance."""
    return list(dict.fromkeys(name for one in scene.photographs for name in (*one.tags, *(one.things or {}))))


def taken_away(shots: list[Shot]) -> list[Shot]:
    """Return which shots leave the workspace after the first training, so that only an iteration still holds them."""
    return [*_first_of(shots, SUBJECT), *_first_of(shots, "person-2")]


def _first_of(shots: list[Shot], person: str) -> Iterator[Shot]:
    return islice((shot for shot in shots if shot.person == person and shot.wave == 1), 1)


def _shot(scene: ProjectScene, number: int, wave: int) -> Shot:
    return Shot(
        number=number,
        photograph=scene.photographs[number % len(scene.photographs)],
        kind="PNG" if number % PNG_EVERY == 0 else "JPEG",
        person=PEOPLE[number % len(PEOPLE)],
        tagged=number % UNTAGGED_EVERY != 0,
        wave=wave,
    )

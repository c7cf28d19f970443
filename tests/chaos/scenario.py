"""What a run asks for, made from its seed alone: albums with people in them, and requests about these people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal
from uuid import UUID

from local.custom_vision.accounts import Account

type Json = dict[str, Any]
type Way = Literal["http", "queue", "base64"]
type Later = Literal["cancel", "approve", "reject", "cancel_plan"]

KILLS_A_WAVE = 20
"""After so many kills come new albums and new requests, so that there is always work to be killed."""

FAMILY, WORK, DOOMED = range(3)


@dataclass(frozen=True)
class Person:
    """One person: the tag and the metadata value that nobody may see where it does not belong."""

    tag: str
    value: str


@dataclass(frozen=True)
class Album:
    """A project to be seeded: its people take turns in the images; the last of them is asked for by nobody."""

    name: str
    people: tuple[Person, ...]
    images: int
    iterations: int
    publish: str
    predictions: int = 0

    @property
    def words(self) -> Iterator[str]:
        """Everything of it that is a name or a personal value."""
        yield self.name
        yield self.publish
        for person in self.people:
            yield from (person.tag, person.value)


@dataclass(frozen=True)
class Ask:
    """
    One request. `by_ids`: the ids of its person's images go into the body once they are known; `predictions` likewise.

    `account`: name of the account that it is about. `copies`: how often it is posted. `later`: what somebody does to
    it. `stubborn`: the service refuses to delete one of its images while the storm lasts.
    """

    request_id: str
    way: Way
    body: Json
    album: Album | None = None
    person: Person | None = None
    account: str | None = None
    copies: int = 1
    later: Later | None = None
    by_ids: bool = False
    predictions: bool = False
    stubborn: bool = False

    @property
    def is_erasure(self) -> bool:
        """Whether it erases."""
        return "level" in self.body["scope"]

    @property
    def is_dry(self) -> bool:
        """Whether it only plans."""
        return bool(self.body["options"].get("dry_run"))


@dataclass(frozen=True)
class Wave:
    """
    Albums, the requests about them in the order in which they come, and messages that are none.

    `accounts`: names of prediction accounts; the first of them is to be erased, nobody asks for the others.
    `kills_storage`: whether the storage is killed meanwhile; otherwise it stops in good order.
    """

    albums: tuple[Album, ...]
    asks: tuple[Ask, ...]
    malformed: tuple[tuple[str, str], ...] = ()
    accounts: tuple[str, ...] = ()
    kills_storage: bool = True


def scope_of_schedule(wave: Wave) -> Json:
    """Give what scheduled exports are about: two albums of the first wave, which people are erased from."""
    return {"projects": [wave.albums[FAMILY].name, wave.albums[WORK].name]}


def farewell(seed: int, account: str) -> Wave:
    """Give what comes when all else is over: the account goes, with every project that is left in it."""
    maker = _Maker(Random(f"{seed}/farewell"), 0)
    return Wave((), (maker.of_account(account),))


def waves(seed: int, kills: int) -> list[Wave]:
    """Give the waves of a run."""
    number = max(1, -(-kills // KILLS_A_WAVE))
    return [_Maker(Random(f"{seed}/{wave}"), wave).wave() for wave in range(number)]


@dataclass
class _Maker:
    """Makes one wave."""

    random: Random
    number: int

    def wave(self) -> Wave:
        albums = (
            self._album("family", people=7, images=28, predictions=0),
            self._album("work", people=7, images=21, predictions=4),
            self._album("doomed", people=2, images=8, predictions=3),
        )
        accounts = (f"doomed-account-{self._token()}", f"account-{self._token()}")
        first, later = self._exports(albums), [*self._erasures(albums), *self._cut_short(albums)]
        later.append(self.of_account(accounts[0]))
        self.random.shuffle(later)
        return Wave(albums, (*first, *later), tuple(self._malformed(albums)), accounts, self.number % 2 == 1)

    def _album(self, word: str, *, people: int, images: int, predictions: int) -> Album:
        return Album(
            name=f"{word}-album-{self._token()}",
            people=tuple(Person(f"tag-of-{self._token()}", f"subject-{self._token()}") for _ in range(people)),
            images=images,
            iterations=self.random.randint(1, 2),
            publish=f"live-{self._token()}",
            predictions=predictions,
        )

    def _token(self) -> str:
        return f"{self.random.getrandbits(48):012x}"

    def _id(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def _way(self) -> Way:
        return self.random.choice(("http", "queue", "base64"))

    def _exports(self, albums: Sequence[Album]) -> list[Ask]:
        family, work, doomed = albums
        # Later waves leave earlier albums be: every wave exporting all of them would be the work of the whole run.
        everything = [album.name for album in albums] if self.number else "all"
        narrowed = {"projects": [family.name], "images": {"metadata": {"subject": family.people[0].value}}}
        return [
            self._export({"projects": everything}, package="zip"),
            self._export({"projects": [work.name, doomed.name]}, package="none", checksums="sha256", copies=3),
            self._export(narrowed, package="zip"),
            self._export({"projects": [family.name]}, package="none", later="cancel"),
        ]

    def _export(self, scope: Json, *, copies: int = 1, later: Later | None = None, **options: Any) -> Ask:
        return Ask(self._id(), self._way(), {"scope": scope, "options": options}, copies=copies, later=later)

    def _erasures(self, albums: Sequence[Album]) -> Iterator[Ask]:
        family, work, doomed = albums
        keep = {"trained_iterations": "keep"}
        yield self._of(family, 0, keep)
        yield self._of(family, 0, keep)
        yield self._of(family, 1, keep | {"delete_tags": True}, everywhere=True, by="tags")
        yield self._of(family, 2, {"trained_iterations": "unpublish"}, by="ids", copies=3)
        yield self._of(family, 3, keep | {"export_first": True})
        yield self._of(family, 4, keep, by="tags", stubborn=True)
        yield self._of(work, 0, {"trained_iterations": "delete"})
        yield self._of(work, 2, keep | {"require_approval": True}, later="approve")
        yield Ask(self._id(), self._way(), self._body({"predictions": {}}, work.name, {}), album=work, predictions=True)
        scope = {"level": "projects", "projects": [doomed.name]}
        body = {"scope": scope, "options": {"confirm": {"projects": [doomed.name]}}}
        yield Ask(self._id(), self._way(), body, album=doomed, later="approve")

    def of_account(self, name: str) -> Ask:
        """Ask for the erasure of a whole account."""
        scope = {"level": "account", "projects": "all", "account": Account(name).id}
        body = {"scope": scope, "options": {"confirm": {"account": name}}}
        return Ask(self._id(), self._way(), body, account=name, copies=2, later="approve")

    def _cut_short(self, albums: Sequence[Album]) -> Iterator[Ask]:
        """What must not erase anything, or perhaps nothing."""
        family, work, _ = albums
        approval = {"trained_iterations": "delete", "require_approval": True}
        yield self._of(work, 1, {"trained_iterations": "delete", "dry_run": True})
        yield self._of(work, 3, approval, later="reject")
        yield self._of(work, 4, approval, later="cancel_plan")
        yield self._of(family, 5, {"trained_iterations": "keep"}, later="cancel")

    def _of(
        self, album: Album, number: int, options: Json, *, by: str = "metadata", everywhere: bool = False, **more: Any
    ) -> Ask:
        person = album.people[number]
        selector = {"metadata": {"metadata": {"subject": person.value}}, "tags": {"tags": [person.tag]}, "ids": {}}
        body = self._body({"images": selector[by]}, "all" if everywhere else album.name, options)
        return Ask(self._id(), self._way(), body, album=album, person=person, by_ids=by == "ids", **more)

    def _body(self, selected: Json, projects: str, options: Json) -> Json:
        scope = {"level": "items", "projects": projects if projects == "all" else [projects], **selected}
        return {"scope": scope, "options": options}

    def _malformed(self, albums: Sequence[Album]) -> Iterator[tuple[str, str]]:
        value = albums[FAMILY].people[0].value
        yield "export-requests", f"no JSON at all, {self._token()}"
        yield "deletion-requests", f'{{"scope": {{"level": "items", "projects": "{value}"}}, "n": "{self._token()}"}}'
        yield "deletion-requests", f'["{value}", "{self._token()}"]'
        yield "export-requests", f'{{"subject": "{value}", "n": "{self._token()}"}}'

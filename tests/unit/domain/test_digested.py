"""Digests of a selector judge rows as the selector did."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.digested import is_readable, kept_selector, tried_again
from shared.domain.resources import Image
from shared.domain.selection import matches
from shared.domain.subject_request import ImageSelector

KEY = "a key"
IDS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(4)]
TAG_IDS = [f"abcdef0{number}-0000-4000-8000-000000000000" for number in range(2)]
NAMES = ["anna", "Anna", "ben", TAG_IDS[0], TAG_IDS[1].upper()]
PAIRS = st.dictionaries(st.sampled_from(["subject", "Subject"]), st.sampled_from(["anna", "ben"]), max_size=2)


def rows() -> st.SearchStrategy[Image]:
    tag = st.fixed_dictionaries({"tagId": st.sampled_from(TAG_IDS), "tagName": st.sampled_from(NAMES)})
    row = st.fixed_dictionaries({"tags": st.lists(tag, max_size=2), "metadata": PAIRS})
    return st.builds(Image, st.sampled_from(IDS), row)


def selectors() -> st.SearchStrategy[ImageSelector]:
    names = st.frozensets(st.sampled_from(NAMES), max_size=3)
    return st.builds(
        ImageSelector, ids=st.frozensets(st.sampled_from(IDS)), tags=names, metadata=PAIRS, key=st.just(KEY)
    )


def selector_of(images: dict[str, Any], key: str = KEY) -> ImageSelector:
    return replace(ImageSelector.from_json(images), key=key)


@given(selectors(), rows(), st.sets(st.sampled_from(IDS)))
def test_a_retry_means_those_of_the_images_left_that_the_selector_means(
    selector: ImageSelector, image: Image, left: set[str]
) -> None:
    again = selector_of(tried_again(left, kept_selector(selector)))
    by_content_or_id = matches(selector, image) or kept_selector(selector) is None
    assert matches(again, image) == (image.id in left and by_content_or_id)


@given(selectors(), rows(), st.sets(st.sampled_from(IDS)))
def test_a_retry_of_a_retry_means_the_same(selector: ImageSelector, image: Image, left: set[str]) -> None:
    once = selector_of(tried_again(left, kept_selector(selector)))
    assert matches(selector_of(tried_again(left, kept_selector(once))), image) == matches(once, image)


@given(selectors())
def test_what_is_kept_holds_no_value_of_the_selector(selector: ImageSelector) -> None:
    kept = kept_selector(selector) or {"tags": [], "metadata": {}}
    assert not {*kept["tags"], *kept["metadata"], *kept["metadata"].values()}.intersection({*NAMES, "anna", "ben"})


def test_digests_of_another_key_match_nothing_and_are_known_for_it() -> None:
    kept = kept_selector(ImageSelector(tags=frozenset({"anna"}), key=KEY))
    image = Image(IDS[0], {"tags": [{"tagId": TAG_IDS[0], "tagName": "anna"}]})
    assert matches(selector_of(tried_again([IDS[0]], kept)), image)
    assert not matches(selector_of(tried_again([IDS[0]], kept), "another"), image)
    assert is_readable(kept, KEY)
    assert not is_readable(kept, "another")


def test_without_a_key_no_digest_is_kept() -> None:
    assert kept_selector(ImageSelector(tags=frozenset({"anna"}))) is None

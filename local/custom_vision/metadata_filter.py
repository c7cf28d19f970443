"""The `$filter` of image lists. Its grammar is not documented beyond one example; this is the plain reading of it."""

import re
from collections.abc import Callable

from local.custom_vision.errors import ServiceError
from local.custom_vision.model import Image

Condition = Callable[[Image], bool]
_TERM = re.compile(r"\s*(?P<key>\w[\w.\-]*)\s+(?P<op>eq|ne)\s+'(?P<value>(?:[^']|'')*)'\s*", re.IGNORECASE)
_JOINT = re.compile(r"(and|or)\b", re.IGNORECASE)


def parse_filter(text: str) -> Condition:
    """`k1 eq 'v1' and k2 ne 'v2' or …`; `and` binds closer than `or`, `''` is a quote, `metadata=` may lead.

    A missing key equals nothing. ServiceError if the text does not fit.
    """
    rest = text.strip().removeprefix("metadata=")
    alternatives: list[list[Condition]] = [[]]
    while True:
        term = _TERM.match(rest)
        if term is None:
            raise ServiceError("BadRequest", "The filter is not valid.")
        alternatives[-1].append(_condition(term["key"], term["op"].lower(), term["value"].replace("''", "'")))
        rest = rest[term.end() :]
        if not rest:
            return lambda image: any(all(one(image) for one in terms) for terms in alternatives)
        joint = _JOINT.match(rest)
        if joint is None:
            raise ServiceError("BadRequest", "The filter is not valid.")
        if joint[1].lower() == "or":
            alternatives.append([])
        rest = rest[joint.end() :]


def _condition(key: str, operator: str, value: str) -> Condition:
    if operator == "eq":
        return lambda image: (image.metadata or {}).get(key) == value
    return lambda image: (image.metadata or {}).get(key) != value

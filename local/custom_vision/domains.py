"""The service's domains, as a recorded answer of GetDomains lists them."""

from dataclasses import dataclass
from typing import Literal

from local.custom_vision.errors import ServiceError

Kind = Literal["Classification", "ObjectDetection"]
_COMPACT_PLATFORMS = ["CoreML", "DockerFile", "ONNX", "TensorFlow"]


@dataclass(frozen=True)
class Domain:
    """A kind of base model."""

    id: str
    name: str
    type: Kind

    @property
    def exportable(self) -> bool:
        """Only compact models can leave the service."""
        return self.name.endswith("(compact)")

    @property
    def platforms(self) -> list[str]:
        """Where a model of this domain can be exported to."""
        return list(_COMPACT_PLATFORMS) if self.exportable else []


_ALL = (
    Domain("ee85a74c-405e-4adc-bb47-ffa8ca0c9f31", "General", "Classification"),
    Domain("c151d5b5-dd07-472a-acc8-15d29dea8518", "Food", "Classification"),
    Domain("ca455789-012d-4b50-9fec-5bb63841c793", "Landmarks", "Classification"),
    Domain("b30a91ae-e3c1-4f73-a81e-c270bff27c39", "Retail", "Classification"),
    Domain("45badf75-3591-4f26-a705-45678d3e9f5f", "Adult", "Classification"),
    Domain("0732100f-1a38-4e49-a514-c9b44c697ab5", "General (compact)", "Classification"),
    Domain("8882951b-82cd-4c32-970b-d5f8cb8bf6d7", "Food (compact)", "Classification"),
    Domain("b5cfd229-2ac7-4b2b-8d0a-2b0661344894", "Landmarks (compact)", "Classification"),
    Domain("6b4faeda-8396-481b-9f8b-177b9fa3097f", "Retail (compact)", "Classification"),
    Domain("da2e3a8a-40a5-4171-82f4-58522f70fbc1", "General", "ObjectDetection"),
    Domain("1d8ffafe-ec40-4fb2-8f90-72b3b6cecea4", "Logo", "ObjectDetection"),
    Domain("a27d5ca5-bb19-49d8-a70a-fec086c47f5b", "General (compact)", "ObjectDetection"),
)
DOMAINS = {domain.id: domain for domain in _ALL}
DEFAULT_DOMAIN = _ALL[0]


def find_domain(domain_id: str) -> Domain:
    """The domain, or the service's 404."""
    found = DOMAINS.get(domain_id)
    if found is None:
        raise ServiceError("NotFoundDomain", "Domain not found.")
    return found


def is_detection(domain_id: str) -> bool:
    """Whether projects of this domain have regions."""
    return DOMAINS[domain_id].type == "ObjectDetection"

"""Everything about the service that is unconfirmed or worth varying, as named switches with a default."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args, get_type_hints

from local.custom_vision.errors import ControlError


@dataclass
class Switches:
    """Behaviour of one emulator. The table in docs/emulator.md says what each value does."""

    sas_seconds: float = 86_400.0
    links: Literal["good", "expired", "broken"] = "good"
    model_links: Literal["fixed", "fresh"] = "fixed"
    virtual_network: Literal["off", "all", "mixed"] = "off"
    list_order: Literal["shuffled", "created"] = "shuffled"
    tie_order: Literal["unstable", "stable"] = "unstable"
    tier: Literal["S0", "F0"] = "S0"
    unique_project_names: bool = True
    training_seconds: float = 1.0
    training_result: Literal["Completed", "Failed"] = "Completed"
    training_minimums: bool = False
    export_seconds: float = 0.5
    import_seconds: float = 0.5
    delete_effect: Literal["delayed", "until_told", "never"] = "delayed"
    delete_delay_seconds: float = 0.5
    blob_delete: Literal["with_image", "late", "never"] = "with_image"
    blob_delete_delay_seconds: float = 2.0
    unknown_ids: Literal["ignore", "not_found"] = "ignore"
    predictions_survive_project: bool = False
    exports_survive_iteration: bool = False
    predictions_without_iteration: Literal["all", "newest"] = "all"
    prediction_end: Literal["null", "empty"] = "null"
    prediction_default_count: int = 50
    prediction_max_count: int = 0
    storage_integration_in_v33: bool = False
    bearer: Literal["any", "audience", "refuse"] = "any"
    keys: Literal["accept", "refuse"] = "accept"
    calls_per_second: float = 0.0
    retry_after: Literal["none", "header"] = "none"
    retry_text: bool = True
    max_request_line: int = 0
    arm_deletes: Literal["accepted", "at_once", "failed", "never"] = "accepted"
    arm_seconds: float = 0.5
    arm_operation_headers: Literal["both", "async", "location", "none"] = "both"
    arm_page_size: int = 0
    arm_bearer: Literal["any", "audience", "refuse"] = "any"
    deleted_account: Literal["unauthorized", "not_found", "answers"] = "unauthorized"
    account_info: Literal["answers", "gone"] = "answers"

    def set(self, name: str, value: Any) -> None:  # noqa: ANN401 - comes from JSON and is checked here
        """Set one switch; ControlError names an unknown switch or a value that does not fit."""
        hints = get_type_hints(Switches)
        if name not in hints:
            raise ControlError(f"unknown switch {name!r}")
        setattr(self, name, _checked(name, value, hints[name]))

    def reset(self) -> None:
        """All switches back to their defaults."""
        for field in fields(self):
            setattr(self, field.name, field.default)

    def as_dict(self) -> dict[str, Any]:
        """All switches with their present values."""
        return asdict(self)


def _checked(name: str, value: Any, hint: Any) -> Any:  # noqa: ANN401 - generic over the switches' types
    if hint is bool:
        if not isinstance(value, bool):
            raise ControlError(f"switch {name} takes true or false")
        return value
    if hint in (int, float):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise ControlError(f"switch {name} takes a number from 0 on")
        return hint(value)
    if value not in get_args(hint):
        raise ControlError(f"switch {name} takes one of {', '.join(get_args(hint))}")
    return value

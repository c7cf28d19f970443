"""GetAccountInfo of v1.2: name, address and keys of whoever signed up, and what of the quota is used."""

from local.custom_vision.render import Json
from local.custom_vision.wire import Answer, json_answer
from local.custom_vision.world import World

_PROJECTS, _IMAGES, _ITERATIONS, _TAGS = 100, 100_000, 20, 500
USER_NAME, EMAIL = "Emulated User", "emulated.user@example.org"


def get_account_info(world: World, training_key: str, prediction_key: str) -> Answer:
    """The account in the PascalCase of v1.2. The world's lock is held."""
    return json_answer(
        {
            "UserName": USER_NAME,
            "Email": EMAIL,
            "Keys": {"TrainingKeys": _keys(training_key), "PredictionKeys": _keys(prediction_key)},
            "Quotas": {
                "Tier": world.switches.tier,
                "Projects": _quota(_PROJECTS, len(world.projects)),
                "Predictions": _quota(0, sum(len(one.predictions) for one in world.projects.values())),
                "PerProject": [
                    {
                        "ProjectId": one.id,
                        "Iterations": _quota(_ITERATIONS, len(one.iterations)),
                        "Images": _quota(_IMAGES, len(one.workspace.images)),
                        "Tags": _quota(_TAGS, len(one.workspace.tags)),
                    }
                    for one in world.projects.values()
                ],
            },
        }
    )


def _keys(primary: str) -> Json:
    return {"PrimaryKey": primary, "SecondaryKey": f"{primary}-second"}


def _quota(total: int, used: int) -> Json:
    return {"Total": total, "Used": used}

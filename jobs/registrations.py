"""Each question to the registry of trained models as a value, as `transitions` has them for jobs."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from jobs import aliases as names
from jobs.damage import json_object, mended, reading
from jobs.errors import AliasNotFound, ModelNotFound, ModelUsed, TooManyAliases
from jobs.owners import ANONYMOUS
from jobs.replies import Reply, moment, nothing, pairs, readable
from jobs.trained import Sort, TrainedModel
from jobs.transitions import Call, Script, script

if TYPE_CHECKING:
    from collections.abc import Collection


def list_models(sort: Sort, whose: str) -> Call[list[TrainedModel]]:
    """Read them all."""

    def parse(reply: Reply) -> list[TrainedModel]:
        found = models(reply)
        return found if sort == "created_at" else sorted(found, key=lambda one: one.goodness, reverse=True)

    return Call(_script("models"), (whose,), parse)


def get(name: str, whose: str) -> Call[TrainedModel]:
    """Read one."""
    return Call(_script("model"), (name, whose), lambda reply: model(reply, name))


def registered(model_id: str) -> Call[bool]:
    """Ask for one by its id."""
    return Call(_script("registered"), (model_id,), said)


def aliases(whose: str) -> Call[dict[str, str]]:
    """Read what every alias names."""

    def parse(reply: Reply) -> dict[str, str]:
        _, latest, best, flat = reply
        ours = {names.LATEST: latest, names.BEST: best} if latest else {}
        return ours | dict(sorted(pairs(flat).items()))

    return Call(_script("aliases"), (whose,), parse)


def set_alias(name: str, target: str, reserved: Collection[str]) -> Call[TrainedModel]:
    """Let a name stand for a model."""

    def parse(reply: Reply) -> TrainedModel:
        if reply == ["full"]:
            raise TooManyAliases(name, names.MOST_ALIASES)
        return model(reply, target)

    return Call(_script("set_alias"), (names.check(name, reserved), target, names.MOST_ALIASES), parse)


def drop_alias(name: str) -> Call[None]:
    """Forget a name."""

    def parse(reply: Reply) -> None:
        if not said(reply):
            raise AliasNotFound(name)

    return Call(_script("drop_alias"), (names.check_not_ours(name), _token()), parse)


def remove(model_id: str, *, unnamed: bool) -> Call[bool]:
    """Remove a model, or only if nothing names it."""

    def parse(reply: Reply) -> bool:
        if reply[0] == "used":
            raise ModelUsed(model_id, reply[1])
        if said(reply):
            mended("model", model_id)
        return said(reply)

    return Call(_script("remove_model"), (model_id, "unnamed" if unnamed else "", _token()), parse)


def surplus(most: int) -> Call[list[TrainedModel]]:
    """Find those that are too many."""
    if most < 0:
        raise ValueError(f"{most} is no number of models to keep")
    return Call(_script("surplus"), (most,), models)


def leftovers() -> Call[list[str]]:
    """Find files to be removed."""
    return Call(_script("leftovers"), (), lambda reply: sorted(reply[1]))


def files_removed(model_id: str) -> Call[None]:
    """Note that files are gone."""
    return Call(_script("files_removed"), (model_id,), nothing)


def model(reply: Reply, name: str) -> TrainedModel:
    """Make `model id hash` a model.

    Raises:
        ModelNotFound: the reply says so.
        RecordDamaged: the hash cannot be read.
    """
    if reply == ["missing"]:
        raise ModelNotFound(name)
    _, model_id, flat = reply
    if flat == []:  # an index names it, and it is gone
        raise ModelNotFound(name)
    with reading("model", model_id):
        record = pairs(flat)
        result = json_object(record["result"])
        about = {"id": model_id, "job_id": model_id, "kind": record["kind"], "owner": record.get("owner", ANONYMOUS)}
        stored = {"created_at": moment(record["created_at"]), "params": json_object(record["params"])}
        return TrainedModel.model_validate(result | about | stored | {"result": result})


def models(reply: Reply) -> list[TrainedModel]:
    """Make `models model...` a list without those that are damaged."""
    return readable(model, [one for one in reply[1:] if one[2] != []])


def said(reply: Reply) -> bool:
    """Make `yes` true."""
    return bool(reply == ["yes"])


def _script(name: str) -> Script:
    return script(name, "registry")


def _token() -> str:
    """Make what tells a call that is sent again from the same call made again."""
    return uuid.uuid4().hex

"""The calls about models: which there are, how good they are, their files, names and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from bestguess.client._request import Call, content, name, nothing, picture, shaped
from bestguess.schemas import Alias, Aliases, ModelDetail, Models
from bestguess.schemas.report import Report

if TYPE_CHECKING:
    import httpx

Sort: TypeAlias = Literal["created_at", "test_accuracy"]

_aliases = shaped(Aliases)


def models(sort: Sort | None) -> Call[Models]:
    """List the networks."""
    return Call("GET", "/models", shaped(Models), {"sort": sort})


def model(model_id: str) -> Call[ModelDetail]:
    """Look at one network, by its id or an alias."""
    return Call("GET", f"/models/{name(model_id)}", shaped(ModelDetail))


def report(model_id: str) -> Call[Report]:
    """Ask how well a trained network does."""
    return Call("GET", f"/models/{name(model_id)}/report", shaped(Report))


def report_picture(model_id: str, kind: str) -> Call[bytes]:
    """Ask for that as a picture, `png` or `svg`."""
    return Call("GET", f"/models/{name(model_id)}/report", content, headers=picture(kind))


def download(model_id: str) -> Call[bytes]:
    """Ask for a trained network's file, as it is: the hash is of its own bytes."""
    headers = {"Accept": "application/zip", "Accept-Encoding": "identity"}
    return Call("GET", f"/models/{name(model_id)}/download", content, headers=headers)


def delete(model_id: str) -> Call[None]:
    """Remove a trained network; done twice, the second would be told that there is none."""
    return Call("DELETE", f"/models/{name(model_id)}", nothing, repeatable=False)


def aliases() -> Call[dict[str, str]]:
    """List the aliases, and which network each stands for."""
    return Call("GET", "/models/aliases", _by_name)


def set_alias(alias: str, model_id: str) -> Call[Alias]:
    """Let a name stand for a network, given by its id or an alias."""
    return Call("PUT", f"/models/aliases/{name(alias)}", shaped(Alias), json={"model_id": model_id})


def drop_alias(alias: str) -> Call[None]:
    """Forget an alias."""
    return Call("DELETE", f"/models/aliases/{name(alias)}", nothing, repeatable=False)


def _by_name(response: httpx.Response) -> dict[str, str]:
    return {alias.name: alias.model_id for alias in _aliases(response).data}

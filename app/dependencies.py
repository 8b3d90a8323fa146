"""What routes ask for, as types that FastAPI fills in.

All of them are coroutines: FastAPI runs a plain function in a thread, which takes longer than all of them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

from fastapi import Depends, Path, Query, Request, Security, params
from fastapi.security import APIKeyHeader, HTTPBearer

from app.access.auth import Principal
from app.draining import Draining
from app.errors import ModelUnusable, OutOfScope
from app.inference.admission import Question
from app.inference.classifier import Classifier, Networks
from app.inference.model_slot import ModelSlot
from app.metrics import Metrics
from app.middleware.access_log import RequestRecord
from app.services.datasets import DatasetService
from app.services.jobs import JobService, require_redis
from app.services.models import ModelCatalog
from app.settings import Settings
from bestguess.schemas.service import Scope
from jobs.errors import RecordDamaged

if TYPE_CHECKING:
    from jobs.trained import TrainedModel


class State(TypedDict):
    """What lives as long as the process. Starlette copies it into the state of each request."""

    settings: Settings
    networks: Networks
    classifier: Classifier
    catalog: ModelCatalog
    datasets: DatasetService
    jobs: JobService | None
    draining: Draining
    metrics: Metrics


def from_state(name: str) -> params.Depends:
    """Return a dependency that reads a member of the request's state.

    The members are those of `State`, and what the middleware adds: `caller` and `record`.
    """

    async def read(request: Request) -> object:
        return getattr(request.state, name)

    made: params.Depends = Depends(read)
    return made


async def _jobs(request: Request) -> JobService:
    return require_redis(request.state.jobs)


async def _owner_filter(request: Request) -> str:
    caller: Principal = request.state.caller
    return caller.owner_filter


SettingsDep = Annotated[Settings, from_state("settings")]
NetworksDep = Annotated[Networks, from_state("networks")]
ClassifierDep = Annotated[Classifier, from_state("classifier")]
CatalogDep = Annotated[ModelCatalog, from_state("catalog")]
DatasetsDep = Annotated[DatasetService, from_state("datasets")]
JobsDep = Annotated[JobService, Depends(_jobs)]  # 503 without Redis
OptionalJobsDep = Annotated[JobService | None, from_state("jobs")]
DrainingDep = Annotated[Draining, from_state("draining")]
MetricsDep = Annotated[Metrics, from_state("metrics")]
RecordDep = Annotated[RequestRecord, from_state("record")]
CallerDep = Annotated[Principal, from_state("caller")]
OwnerFilterDep = Annotated[str, Depends(_owner_filter)]  # whose jobs, models and data sets the caller sees

# For the OpenAPI document only: the middleware has read the key before a route is looked for.
_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="`Authorization: Bearer bg_...`")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="header", description="the same key")


def require_scope(*scopes: Scope) -> params.Security:
    """Return a dependency that refuses callers who have none of these scopes; an admin has all."""

    async def check(
        request: Request, _bearer: Annotated[object, Security(_BEARER)], _header: Annotated[object, Security(_HEADER)]
    ) -> None:
        caller: Principal = request.state.caller
        if Scope.ADMIN not in caller.scopes and caller.scopes.isdisjoint(scopes):
            raise OutOfScope(scopes)

    made: params.Security = Security(check, scopes=list(scopes))
    return made


# The name of a model, and the options of a classification.
MODEL = "the model that must answer: a pretrained one, such as `vgg16`, or a trained one by its id or an alias"
FIT = "`crop`: shorter side to 256, then the central 224 x 224; `stretch`: the whole image, resized to a square"

ModelId = Annotated[str, Path(max_length=100, examples=["vgg16"], description="a model's id, or an alias")]
ModelName = Annotated[str | None, Query(max_length=100, description=MODEL)]
TopK = Annotated[int, Query(ge=1, le=1000, description="number of predictions")]
MinScore = Annotated[float, Query(ge=0, le=1, description="omit predictions below this score")]
Fit = Annotated[Literal["crop", "stretch"], Query(description=FIT)]
ShowInput = Annotated[bool, Query(description="add the pixels that the network saw, as a small PNG")]


async def _question(
    request: Request,
    model: ModelName = None,
    top_k: TopK = 10,
    min_score: MinScore = 0.0,
    fit: Fit = "crop",
    show_input: ShowInput = False,
) -> Question:
    found = await _find_model(request, model) if model else None
    return Question(top_k, min_score, found, fit, show_input=show_input)


async def _question_for_model(
    request: Request,
    model_id: ModelId,
    top_k: TopK = 10,
    min_score: MinScore = 0.0,
    fit: Fit = "crop",
    show_input: ShowInput = False,
) -> Question:
    return Question(top_k, min_score, await _find_model(request, model_id), fit, show_input=show_input)


async def _find_model(request: Request, name: str) -> str | TrainedModel:
    catalog: ModelCatalog = request.state.catalog
    try:
        found = await catalog.find(name, request.state.caller.owner_filter)
    except RecordDamaged as error:  # for a classification the same as damaged files
        raise ModelUnusable(f"{error}. Delete it, and train another.") from error
    return found.network.id if isinstance(found, ModelSlot) else found


QuestionDep = Annotated[Question, Depends(_question)]
QuestionForModelDep = Annotated[Question, Depends(_question_for_model)]

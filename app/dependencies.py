"""What routes ask for, as types that FastAPI fills in.

All of them are coroutines: FastAPI runs a plain function in a thread, which takes longer than all of them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

from fastapi import Depends, Request, Security, params
from fastapi.security import APIKeyHeader, HTTPBearer

from app.access.auth import Principal
from app.draining import Draining
from app.inference.classifier import Classifier, Networks
from app.metrics import Metrics
from app.middleware.access_log import RequestRecord
from app.services.datasets import DatasetService
from app.services.jobs import JobService, require_redis
from app.services.models import ModelCatalog
from app.settings import Settings

if TYPE_CHECKING:
    from bestguess.schemas.service import Scope


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
    """Return a dependency that refuses callers who have none of these scopes."""

    async def check(
        request: Request, _bearer: Annotated[object, Security(_BEARER)], _header: Annotated[object, Security(_HEADER)]
    ) -> None:
        caller: Principal = request.state.caller
        caller.require(*scopes)

    made: params.Security = Security(check, scopes=list(scopes))
    return made

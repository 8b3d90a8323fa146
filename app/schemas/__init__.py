"""What goes over the wire, besides jobs themselves (`jobs.model`)."""

from app.schemas.datasets import (
    ClassInfo,
    ClassSize,
    DatasetAdded,
    DatasetBrief,
    DatasetDetail,
    DatasetList,
    DuplicateContent,
    DuplicatePlace,
    Range,
    RejectedFile,
)
from app.schemas.jobs import Events, Jobs
from app.schemas.models import (
    Alias,
    Aliases,
    LayerInfo,
    Model,
    ModelDetail,
    Models,
    ModelStatus,
    SetAlias,
    TrainedInfo,
    WeightsInfo,
)
from app.schemas.predictions import AnsweredBy, Batch, BatchItem, Classification, ImageInfo, Prediction, Timing
from app.schemas.problem import Problem
from app.schemas.service import KeysStatus, Liveness, Readiness, RedisStatus

__all__ = [
    "Alias",
    "Aliases",
    "AnsweredBy",
    "Batch",
    "BatchItem",
    "ClassInfo",
    "ClassSize",
    "Classification",
    "DatasetAdded",
    "DatasetBrief",
    "DatasetDetail",
    "DatasetList",
    "DuplicateContent",
    "DuplicatePlace",
    "Events",
    "ImageInfo",
    "Jobs",
    "KeysStatus",
    "LayerInfo",
    "Liveness",
    "Model",
    "ModelDetail",
    "ModelStatus",
    "Models",
    "Prediction",
    "Problem",
    "Range",
    "Readiness",
    "RedisStatus",
    "RejectedFile",
    "SetAlias",
    "Timing",
    "TrainedInfo",
    "WeightsInfo",
]

"""Shapes of requests and answers on the wire. They need pydantic and nothing else."""

from bestguess.schemas.datasets import (
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
from bestguess.schemas.job_params import FinetuneParams, MnistParams
from bestguess.schemas.jobs import Event, Events, Job, Jobs, JobStatus
from bestguess.schemas.models import (
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
from bestguess.schemas.predictions import AnsweredBy, Batch, BatchItem, Classification, ImageInfo, Prediction, Timing
from bestguess.schemas.problem import Problem
from bestguess.schemas.report import Report
from bestguess.schemas.service import KeysStatus, Liveness, Readiness, RedisStatus, Scope

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
    "Event",
    "Events",
    "FinetuneParams",
    "ImageInfo",
    "Job",
    "JobStatus",
    "Jobs",
    "KeysStatus",
    "LayerInfo",
    "Liveness",
    "MnistParams",
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
    "Report",
    "Scope",
    "SetAlias",
    "Timing",
    "TrainedInfo",
    "WeightsInfo",
]

import re
from collections.abc import Iterator

import pytest

from app.main import create_app
from app.settings import Settings
from jobs.queue import KEY_PREFIX, QUEUE_KEY, broker_url
from jobs.settings import WorkerSettings
from support.kubernetes_manifests import KUBERNETES, Manifest, chosen, containers, rendered, walk, workloads

OVERLAYS = ("overlays/cpu", "overlays/gpu")
BY_HAND = re.findall(r"create secret \w+ ([\w-]+)", (KUBERNETES / "README.md").read_text())


@pytest.fixture(params=OVERLAYS, scope="module")
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    """One overlay, rendered."""
    return rendered(request.param)


def named(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    """The manifests of a kind, by name."""
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] == kind}


def test_schemas(manifests: list[Manifest]) -> None:
    """Each manifest is what Kubernetes' published schema says, with nothing that it does not know."""
    import kubernetes_validate  # noqa: PLC0415 - seconds, and no other test wants it

    for manifest in manifests:
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_all_is_in_one_namespace(manifests: list[Manifest]) -> None:
    """Everything is in the namespace, which lets nothing in that is not restricted."""
    (namespace,) = named(manifests, "Namespace").values()
    assert {each["metadata"].get("namespace") for each in manifests if each != namespace} == {"bestguess"}
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_selectors_match_labels(manifests: list[Manifest]) -> None:
    """Each workload selects its own pods and no other's; services, budgets and policies select pods that there are."""
    for workload in workloads(manifests):
        assert chosen(workload["spec"]["selector"], manifests) == [workload["metadata"]["name"]]
    for name, service in named(manifests, "Service").items():
        assert chosen({"matchLabels": service["spec"]["selector"]}, manifests) == [name]
    for name, budget in named(manifests, "PodDisruptionBudget").items():
        assert chosen(budget["spec"]["selector"], manifests) == [name]
    for policy in named(manifests, "NetworkPolicy").values():
        selectors = [each["podSelector"] for each in walk(policy["spec"]) if "podSelector" in each]
        assert all(chosen(selector, manifests) for selector in selectors)


def references(manifests: list[Manifest]) -> Iterator[tuple[str, str]]:
    """Every name that a manifest refers to, with the kind of what has it."""
    kinds = {"configMap": "ConfigMap", "configMapRef": "ConfigMap", "service": "Service"}
    for mapping in walk(manifests):
        yield from ((kind, mapping[key]["name"]) for key, kind in kinds.items() if key in mapping)
        if "secretName" in mapping:
            yield "Secret", mapping["secretName"]
        if "scaleTargetRef" in mapping:
            yield mapping["scaleTargetRef"].get("kind", "Deployment"), mapping["scaleTargetRef"]["name"]
        if "serviceAccountName" in mapping:
            yield "ServiceAccount", mapping["serviceAccountName"]


def test_names_exist(manifests: list[Manifest]) -> None:
    """Whatever is referred to is there, or is a secret that the README tells how to make."""
    there = {(each["kind"], each["metadata"]["name"]) for each in manifests} | {("Secret", name) for name in BY_HAND}
    found = set(references(manifests))
    assert len(found) == 9
    assert found <= there
    for set_ in named(manifests, "StatefulSet").values():
        assert ("Service", set_["spec"]["serviceName"]) in there


def test_ports_exist(manifests: list[Manifest]) -> None:
    """Services, probes and policies name ports that the containers have."""
    ports = {port["name"]: port["containerPort"] for each in containers(manifests) for port in each.get("ports", ())}
    assert ports == {"http": Settings.model_fields["port"].default, "redis": 6379}
    for service in named(manifests, "Service").values():
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports.keys()
    for policy in named(manifests, "NetworkPolicy").values():
        asked = [port["port"] for each in walk(policy["spec"]) for port in each.get("ports", ())]
        assert {port for port in asked if isinstance(port, str)} <= ports.keys()


def test_probes_are_routes(manifests: list[Manifest]) -> None:
    """Each probe over HTTP asks a route of the service; every container has probes."""
    routes = set(create_app(Settings()).openapi()["paths"])
    probes = [each["httpGet"] for each in walk(manifests) if "httpGet" in each]
    assert {probe["path"] for probe in probes} == {"/healthz", "/readyz"} & routes
    for container in containers(manifests):
        assert {"startupProbe", "livenessProbe"} <= container.keys()


def test_environment_is_known(manifests: list[Manifest]) -> None:
    """Each variable of ours is a setting, and its value can be used."""
    known = {f"BESTGUESS_{name.upper()}" for name in Settings.model_fields | WorkerSettings.model_fields}
    given = dict(named(manifests, "ConfigMap")["bestguess"]["data"])
    for container in containers(manifests):
        given |= {each["name"]: each["value"] for each in container.get("env", ())}
    ours = {name: value for name, value in given.items() if name.startswith("BESTGUESS_")}
    assert ours.keys() <= known
    values = {name.removeprefix("BESTGUESS_").lower(): value for name, value in ours.items()}
    for kind in (Settings, WorkerSettings):
        kind.model_validate({name: value for name, value in values.items() if name in kind.model_fields})


def test_mounted_files_are_where_settings_look(manifests: list[Manifest]) -> None:
    """The files that settings name lie within a volume that is mounted, and each mount has its volume."""
    settings = named(manifests, "ConfigMap")["bestguess"]["data"]
    for workload in workloads(manifests):
        pod = workload["spec"]["template"]["spec"]
        volumes = {each["name"] for each in [*pod["volumes"], *claims(workload)]}
        (container,) = pod["containers"]
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        assert set(mounts.values()) == volumes
        if "envFrom" in container:
            for name in ("BESTGUESS_REDIS_PASSWORD_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
                assert settings[name].rpartition("/")[0] in mounts


def claims(workload: Manifest) -> list[Manifest]:
    """The disks that a StatefulSet asks for."""
    return [each["metadata"] for each in workload["spec"].get("volumeClaimTemplates", ())]


def test_pods_are_restricted(manifests: list[Manifest]) -> None:
    """Each pod meets the restricted profile: no root, no capability, no way to more; and nothing to write on."""
    for workload in workloads(manifests):
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not pod["automountServiceAccountToken"]
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (False, True)
            assert "memory" in container["resources"]["limits"]


def test_gpu() -> None:
    """The overlay for GPUs gives a card to each replica and each worker, and the image with CUDA."""
    ours = {each["name"]: each for each in containers(rendered("overlays/gpu")) if each["name"] != "redis"}
    assert ours.keys() == {"api", "worker"}
    for container in ours.values():
        assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
        assert container["image"].endswith(":gpu")


def test_keda_looks_where_the_queue_is() -> None:
    """KEDA adds up the queue's messages, waiting and taken, in the broker's database, with Redis's own secret."""
    manifests = rendered("keda")
    (scaled,) = named(manifests, "ScaledObject").values()
    database = broker_url("redis://redis:6379/0").rpartition("/")[2]
    triggers = [trigger["metadata"] for trigger in scaled["spec"]["triggers"]]
    assert [trigger["listName"] for trigger in triggers] == [QUEUE_KEY, f"{KEY_PREFIX}unacked"]
    formula = scaled["spec"]["advanced"]["scalingModifiers"]["formula"]
    assert formula.split(" + ") == [trigger["name"] for trigger in scaled["spec"]["triggers"]]
    assert {trigger["databaseIndex"] for trigger in triggers} == {database}
    there = named(rendered("overlays/cpu"), "Deployment")
    assert scaled["spec"]["scaleTargetRef"]["name"] in there
    assert "replicas" not in there["worker"]["spec"]
    (key,) = next(iter(named(manifests, "TriggerAuthentication").values()))["spec"]["secretTargetRef"]
    assert key["name"] in BY_HAND

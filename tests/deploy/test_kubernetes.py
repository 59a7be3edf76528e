"""The manifests are valid, one Deployment a role, and hold to the restricted pod security standard."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from klara_daemon.config import NEEDED_TO_RUN, ROLES
from tests.deploy.installation import DEPLOY, LONGEST_STOP_S, SECRETS, runs

FOLDER = DEPLOY / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
VERSIONS = ["1.30", kubernetes_validate.latest_version()]

Manifest = dict[str, Any]


def manifests() -> dict[str, Manifest]:
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.name != "kustomization.yaml":
            for manifest in yaml.safe_load_all(path.read_text()):
                found[f"{manifest['kind']}/{manifest['metadata']['name']}"] = manifest
    return found


MANIFESTS = manifests()
DEPLOYMENTS = {role: MANIFESTS[f"Deployment/klara-{role}"] for role in ROLES}
PODS = {role: deployment["spec"]["template"] for role, deployment in DEPLOYMENTS.items()}
PODS["migrate"] = MANIFESTS["Job/klara-migrate"]["spec"]["template"]


def container(name: str) -> Manifest:
    (only,) = PODS[name]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", MANIFESTS)
def test_every_manifest_is_what_kubernetes_allows(name: str, version: str) -> None:
    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)


def test_the_schema_would_notice_a_slip() -> None:
    slipped = copy.deepcopy(DEPLOYMENTS["web"])
    slipped["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(slipped, VERSIONS[-1], strict=True)


def test_one_command_applies_everything_but_the_example() -> None:
    assert KUSTOMIZATION["kind"] == "Kustomization"
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml", "secret.example.yaml"}
    assert set(KUSTOMIZATION["resources"]) == files
    assert MANIFESTS[f"Namespace/{KUSTOMIZATION['namespace']}"]
    assert {image["name"] for image in KUSTOMIZATION["images"]} == {container(name)["image"] for name in PODS}


def test_there_is_one_deployment_and_one_disruption_budget_a_role() -> None:
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert {name for name in MANIFESTS if name.startswith(f"{kind}/")} == {f"{kind}/klara-{role}" for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_differs_from_another_by_its_name_and_nothing_else(role: str) -> None:
    def without_ports(name: str) -> str:
        deployment = copy.deepcopy(DEPLOYMENTS[name])
        ports = deployment["spec"]["template"]["spec"]["containers"][0].pop("ports")
        assert [port["name"] for port in ports] == (["http", "health"] if name == "web" else ["health"])
        return yaml.safe_dump(deployment).replace(name, "ROLE")

    assert without_ports(role) == without_ports("dialer")
    assert container(role)["args"] == ["run", role]


@pytest.mark.parametrize("name", PODS)
def test_a_process_starts_with_what_its_pod_is_given(name: str, tmp_path: Path) -> None:
    environ = dict(MANIFESTS["ConfigMap/klara-daemon"]["data"])
    (volume,) = [volume["secret"] for volume in PODS[name]["spec"]["volumes"] if "secret" in volume]
    (mount,) = [mount for mount in container(name)["volumeMounts"] if mount["name"] == "secrets"]
    assert environ.pop("KLARA_SECRETS_DIR") == mount["mountPath"]
    given = [item["path"] for item in volume["items"]] if "items" in volume else list(SECRETS)
    config = runs(container(name)["args"], environ, given, tmp_path)
    ports = {port["name"]: port["containerPort"] for port in container(name).get("ports", [])}
    assert config.health_listen is not None
    assert ports.get("health", config.health_listen.port) == config.health_listen.port
    assert ports.get("http", config.listen.port) == config.listen.port


def test_the_example_secret_holds_what_is_needed_and_the_config_map_does_not() -> None:
    assert set(MANIFESTS["Secret/klara-daemon"]["stringData"]) == set(SECRETS)
    config = set(MANIFESTS["ConfigMap/klara-daemon"]["data"])
    assert {f"KLARA_{name.upper()}" for name in NEEDED_TO_RUN} <= config | {name.upper() for name in SECRETS}
    assert not config & {name.upper() for name in SECRETS}


@pytest.mark.parametrize("name", PODS)
def test_every_pod_is_restricted(name: str) -> None:
    spec = PODS[name]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False  # they would put variables with our prefix into the environment
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} <= container(name)["resources"]["requests"].keys()
    assert "memory" in container(name)["resources"]["limits"]
    assert MANIFESTS["Namespace/klara"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("role", ROLES)
def test_the_grace_covers_the_wait_before_the_stop_and_the_drain(role: str) -> None:
    sleep, waited = container(role)["lifecycle"]["preStop"]["exec"]["command"]
    assert sleep == "sleep"
    assert PODS[role]["spec"]["terminationGracePeriodSeconds"] >= int(waited) + LONGEST_STOP_S


@pytest.mark.parametrize("role", ROLES)
def test_probes_ask_the_processs_own_health_address(role: str) -> None:
    asked = {probe: container(role)[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert asked == {
        "startupProbe": {"path": "/healthz", "port": "health"},
        "livenessProbe": {"path": "/healthz", "port": "health"},
        "readinessProbe": {"path": "/readyz", "port": "health"},
    }


def test_what_selects_pods_finds_them() -> None:
    def labels(role: str) -> set[tuple[str, str]]:
        return set(PODS[role]["metadata"]["labels"].items())

    for role in ROLES:
        budget = MANIFESTS[f"PodDisruptionBudget/klara-{role}"]["spec"]
        assert set(budget["selector"]["matchLabels"].items()) == labels(role)
        assert budget["maxUnavailable"] < DEPLOYMENTS[role]["spec"]["replicas"]
    for selector in (
        MANIFESTS["Service/klara-web"]["spec"]["selector"],
        MANIFESTS["NetworkPolicy/klara-web"]["spec"]["podSelector"]["matchLabels"],
    ):
        assert [role for role in PODS if set(selector.items()) <= labels(role)] == ["web"]
    everyone = MANIFESTS["NetworkPolicy/klara-daemon"]["spec"]["podSelector"]["matchLabels"]
    assert all(set(everyone.items()) <= labels(name) for name in PODS)

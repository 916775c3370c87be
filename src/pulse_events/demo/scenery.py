"""Where the demo feed plays: trees, pools, kinds of tasks, and now and then something else.

Constants only, in the manner of a real Taskcluster deployment; `demo` draws from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pulse_events.demo.taskcluster import Pool

Artifact = tuple[str, str]
"""Name and content type."""

LIVE_LOG: Artifact = ("public/logs/live.log", "text/plain; charset=utf-8")
LOG: Artifact = ("public/logs/live_backing.log", "text/plain; charset=utf-8")
CHAIN_OF_TRUST: Artifact = ("public/chain-of-trust.json", "application/json")
RESOURCES: Artifact = ("public/test_info/resource-usage.json", "application/json")

AWS_GROUPS = ("us-east-1", "us-east-2", "us-west-1", "us-west-2")
GCP_GROUPS = ("us-central1-a", "us-central1-b", "us-west1-b", "northamerica-northeast1-c")
AZURE_GROUPS = ("east-us", "east-us-2", "south-central-us", "west-us-3")


@dataclass(frozen=True, slots=True)
class Kind:
    """Tasks of one sort; ``routes`` may name ``{tree}``, ``{rev}``, ``{push}``, ``{platform}``."""

    name: str
    pool: Pool
    os: str
    labels: tuple[str, ...]
    artifacts: tuple[Artifact, ...]
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """One repository and what a push to it sets off; ``routes`` are those of each of its tasks."""

    name: str
    organization: str
    repository: str
    trust_domain: str
    scheduler_id: str
    project_id: str
    decision: Kind
    kinds: tuple[Kind, ...]
    routes: tuple[str, ...]

    @property
    def on_github(self) -> bool:
        """Whether Taskcluster hears of a push through GitHub."""
        return bool(self.organization)


DECISION = "decision-task"

_AWS, _GCP, _AZURE = "fxci-level3-aws", "fxci-level3-gcp", "azure2"

_GECKO_DECISION = Kind(
    DECISION,
    Pool("gecko-3", "decision", _AWS, "docker-worker", AWS_GROUPS),
    "linux",
    ("Gecko Decision Task",),
    (
        ("public/task-graph.json", "application/json"),
        ("public/parameters.yml", "text/plain"),
        ("public/actions.json", "application/json"),
        LOG,
    ),
    ("index.gecko.v2.{tree}.latest.taskgraph.decision",),
)
_GECKO_BUILD = Kind(
    "build",
    Pool("gecko-3", "b-linux", _AWS, "docker-worker", AWS_GROUPS),
    "linux",
    (
        "build-linux64/opt",
        "build-linux64/debug",
        "build-linux64-asan/opt",
        "build-win64/opt",
        "build-macosx64/opt",
        "build-android-aarch64/opt",
    ),
    (
        ("public/build/target.tar.xz", "application/x-xz"),
        ("public/build/target.common.tests.tar.zst", "application/zstd"),
        ("public/build/buildhub.json", "application/json"),
        CHAIN_OF_TRUST,
        LOG,
    ),
    (
        "index.gecko.v2.{tree}.latest.firefox.{platform}",
        "index.gecko.v2.{tree}.revision.{rev}.firefox.{platform}",
    ),
)
_GECKO_LINUX_TEST = Kind(
    "test",
    Pool("gecko-t", "t-linux-docker", "fxci-level1-gcp", "generic-worker", GCP_GROUPS),
    "linux",
    (
        "test-linux2404-64/opt-mochitest-browser-chrome-3",
        "test-linux2404-64/opt-web-platform-tests-12",
        "test-linux2404-64/debug-xpcshell-2",
        "test-linux2404-64/debug-reftest-4",
        "test-linux2404-64-asan/opt-cppunittest",
    ),
    (RESOURCES, ("public/test_info/wpt_raw.log", "text/plain"), LOG),
)
_GECKO_WINDOWS_TEST = Kind(
    "test",
    Pool("gecko-t", "win11-64-24h2", _AZURE, "generic-worker", AZURE_GROUPS),
    "windows",
    (
        "test-windows11-64-24h2/opt-mochitest-plain-1",
        "test-windows11-64-24h2/opt-crashtest",
        "test-windows11-64-24h2/debug-marionette-unittest",
    ),
    (RESOURCES, ("public/test_info/error_summary.log", "text/plain"), LOG),
)
_GECKO_LINT = Kind(
    "source-test",
    Pool("gecko-t", "t-linux-large", _AWS, "docker-worker", AWS_GROUPS),
    "linux",
    ("source-test-mozlint-eslint", "source-test-python-mozbuild", "source-test-doc-generate"),
    (("public/code-review/mozlint.json", "application/json"), LOG),
)
_COMM_DECISION = replace(
    _GECKO_DECISION,
    pool=Pool("comm-3", "decision", _GCP, "generic-worker", GCP_GROUPS),
    routes=("index.comm.v2.{tree}.latest.taskgraph.decision",),
)
_COMM_BUILD = Kind(
    "build",
    Pool("comm-3", "b-linux", _GCP, "generic-worker", GCP_GROUPS),
    "linux",
    ("build-linux64/opt", "build-win64/opt", "build-macosx64/debug"),
    (("public/build/target.tar.xz", "application/x-xz"), CHAIN_OF_TRUST, LOG),
    ("index.comm.v2.{tree}.latest.thunderbird.{platform}",),
)
_CI_POOL = Pool("proj-taskcluster", "ci", "community-tc-workers-aws", "docker-worker", AWS_GROUPS)
_CI_DECISION = Kind(
    DECISION,
    _CI_POOL,
    "linux",
    ("Decision Task",),
    (("public/task-graph.json", "application/json"), LOG),
)
_CI_TEST = Kind(
    "test",
    _CI_POOL,
    "linux",
    ("test-library-node", "test-client-py-3.11", "test-generic-worker-linux", "lint-meta"),
    (("public/coverage.json", "application/json"), LOG),
)
_VPN_POOL = Pool("mozillavpn-1", "b-linux-gcp", "fxci-level1-gcp", "generic-worker", GCP_GROUPS)
_VPN_DECISION = replace(_CI_DECISION, pool=_VPN_POOL)
_VPN_BUILD = Kind(
    "build",
    _VPN_POOL,
    "linux",
    ("build-android-arm64/release", "build-wasm/opt", "build-linux64/release"),
    (("public/build/mozillavpn.apk", "application/vnd.android.package-archive"), LOG),
    ("index.mozillavpn.v2.{tree}.latest.build.{platform}",),
)

_TREEHERDER = "tc-treeherder.v2.{tree}.{rev}.{push}"
_GECKO_KINDS = (
    _GECKO_BUILD,
    _GECKO_LINUX_TEST,
    _GECKO_LINUX_TEST,
    _GECKO_WINDOWS_TEST,
    _GECKO_LINT,
)


def _gecko(name: str) -> Tree:
    return Tree(
        name=name,
        organization="",
        repository=name,
        trust_domain="gecko",
        scheduler_id="gecko-level-3",
        project_id="gecko",
        decision=_GECKO_DECISION,
        kinds=_GECKO_KINDS,
        routes=(_TREEHERDER,),
    )


TREES = (
    _gecko("autoland"),
    _gecko("autoland"),
    _gecko("mozilla-central"),
    Tree(
        name="comm-central",
        organization="",
        repository="comm-central",
        trust_domain="comm",
        scheduler_id="comm-level-3",
        project_id="comm",
        decision=_COMM_DECISION,
        kinds=(_COMM_BUILD, _GECKO_LINUX_TEST),
        routes=(_TREEHERDER,),
    ),
    Tree(
        name="main",
        organization="taskcluster",
        repository="taskcluster",
        trust_domain="taskcluster",
        scheduler_id="taskcluster-github",
        project_id="none",
        decision=_CI_DECISION,
        kinds=(_CI_TEST,),
        routes=("checks",),
    ),
    Tree(
        name="main",
        organization="mozilla-mobile",
        repository="mozilla-vpn-client",
        trust_domain="mozillavpn",
        scheduler_id="mozillavpn-level-1",
        project_id="mozillavpn",
        decision=_VPN_DECISION,
        kinds=(_VPN_BUILD,),
        routes=("checks", "tc-treeherder.v2.mozilla-vpn-client.{rev}.{push}"),
    ),
)

OWNERS = (
    "amelia@example.com",
    "bruno@example.com",
    "chidi@example.com",
    "dagny@example.com",
    "release@example.com",
)

ELSEWHERE: tuple[tuple[str, str, Mapping[str, str], Mapping[str, Any]], ...] = (
    ("hooks", "hookUpdated", {}, {"hookGroupId": "project-releng", "hookId": "nightly-update"}),
    ("hooks", "hookCreated", {}, {"hookGroupId": "git-push", "hookId": "mozilla-vpn-client"}),
    ("auth", "clientUpdated", {}, {"clientId": "project/releng/scriptworker/signing-linux-1"}),
    ("auth", "roleUpdated", {}, {"roleId": "repo:github.com/taskcluster/taskcluster:*"}),
    (
        "notify",
        "notify",
        {"topic": "releases.firefox.nightly"},
        {"message": {"product": "firefox", "channel": "nightly", "status": "shipped"}},
    ),
    (
        "worker-manager",
        "workerPoolUpdated",
        {"providerId": _AZURE, "provisionerId": "gecko-t", "workerType": "win11-64-24h2"},
        {"workerPoolId": "gecko-t/win11-64-24h2", "providerId": _AZURE},
    ),
    (
        "worker-manager",
        "workerPoolError",
        {"providerId": _AWS, "provisionerId": "gecko-3", "workerType": "b-linux"},
        {
            "workerPoolId": "gecko-3/b-linux",
            "providerId": _AWS,
            "kind": "creation-error",
            "title": "Instance Creation Error",
        },
    ),
    (
        "github",
        "release",
        {"organization": "taskcluster", "repository": "taskcluster"},
        {
            "organization": "taskcluster",
            "repository": "taskcluster",
            "details": {"event.type": "release", "event.version": "v96.2.1"},
            "version": 1,
        },
    ),
)
"""What other services publish unasked: service, event, words of the key, body."""

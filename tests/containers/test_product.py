"""What `docker compose up` gives: the two calls of the README through the proxy, replicas alike, nothing open."""

import re
from urllib.parse import urljoin

import httpx
from PIL import Image, ImageDraw

from support.compose_stack import ROOT, START, Stack, docker, until
from support.images import encoded
from support.load_clients import PHOTO, Viewer

SERVICES = ("api", "worker", "redis", "proxy")


def test_a_photo(product: Stack) -> None:
    """A photo sent to the proxy is classified, by the one image, with no other step."""
    answer = product.client.post("/classify?top_k=3", files={"file": PHOTO})
    assert answer.status_code == httpx.codes.OK, answer.text
    assert len(answer.json()["predictions"]) == 3
    assert answer.json()["model"]["weights"] == "imagenet"


def test_a_training_to_its_end(product: Stack) -> None:
    """A training runs to its end, as its events tell, and the network answers through each replica."""
    job_id = product.submit(steps=200)
    with Viewer(str(product.client.base_url), job_id) as viewer:
        job = product.ended(job_id)
        viewer.join(60)
    assert (job["status"], job["error"]) == ("succeeded", None)
    assert viewer.events[-1]["event"] == "succeeded"
    model = f"/models/{job['result']['model_id']}"
    assert [api.status(f"/jobs/{job_id}") for api in product.containers("api")] == [200, 200]
    assert [api.status(model) for api in product.containers("api")] == [200, 200]
    assert product.client.post(f"{model}/classify", files={"file": stroke()}).is_success
    assert product.client.get(f"/jobs/job_{'0' * 28}").status_code == httpx.codes.NOT_FOUND


def stroke() -> bytes:
    """Draw a one."""
    picture = Image.new("L", (100, 100), 255)
    ImageDraw.Draw(picture).line((50, 15, 50, 85), fill=0, width=9)
    return encoded(picture, "PNG")


def test_the_page(product: Stack) -> None:
    """The page and all that it loads come through the proxy, and nothing of it from elsewhere."""
    page = product.client.get("/")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src" in page.headers["Content-Security-Policy"]
    left, seen = [urljoin("/", path) for path in re.findall(r'(?:src|href)="([^"#]+)"', page.text)], set[str]()
    while left:
        seen.add(path := left.pop())
        file = product.client.get(path)
        assert file.is_success, path
        found = re.findall(r'(?:from|import) "([^"]+)"', file.text)
        left += {urljoin(path, each) for each in found} - seen
    assert len(seen) > 20
    assert all(path.startswith("/page/") for path in seen - {"/docs"})


def test_every_replica_answers(product: Stack) -> None:
    """The proxy finds both replicas by their name, and sends requests to each."""
    proxy = product.containers("proxy")[0]
    before = len(proxy.logs())

    def asked() -> set[str]:
        assert product.classifies()
        return set(re.findall(r" (api/api\d+) .*POST /classify", proxy.logs()[before:]))

    until(lambda: len(asked()) == 2, START)


def test_containers_are_locked(product: Stack) -> None:
    """No container has root, a capability, a file system to write to, or a way to more."""
    for container in (each for service in SERVICES for each in product.containers(service)):
        status = dict(line.split(":\t", 1) for line in container.run("cat", "/proc/1/status").splitlines())
        assert status["Uid"].split() == ["10001"] * 4
        assert (int(status["CapEff"], 16), status["NoNewPrivs"]) == (0, "1")
        host = container.seen()["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert host["Memory"] > 0


def test_no_secret_shows(product: Stack) -> None:
    """Redis's password is in its file, and in no environment, command line or log."""
    password = product.containers("redis")[0].run("cat", "/run/bestguess/redis-password").strip()
    assert len(password) == 64
    for container in (each for service in SERVICES for each in product.containers(service)):
        shown = docker("inspect", container.identity) + docker("top", container.identity, "-eo", "pid,args")
        assert password not in shown + container.logs()


def test_only_the_proxy_is_open(product: Stack) -> None:
    """The proxy's port is the only one, on loopback; Redis has a network without a way out, and a password."""
    for service in SERVICES:
        for container in product.containers(service):
            bound = [
                each for ports in (container.seen()["HostConfig"]["PortBindings"] or {}).values() for each in ports
            ]
            assert [each["HostIp"] for each in bound] == (["127.0.0.1"] if service == "proxy" else [])
    redis = product.containers("redis")[0]
    assert list(redis.seen()["NetworkSettings"]["Networks"]) == [f"{product.project}_inside"]
    assert "NOAUTH" in redis.run("redis-cli", "ping")
    assert product.redis("CONFIG", "GET", "maxmemory-policy").endswith("noeviction")
    assert product.redis("CONFIG", "GET", "appendonly").endswith("yes")


def test_the_image_has_no_tools(product: Stack) -> None:
    """The image has no compiler and no package installer, and says what it is."""
    api = product.containers("api")[0]
    found = api.run("sh", "-c", "command -v gcc cc make pip uv || true; ls /root/.cache 2>/dev/null || true")
    assert [path for path in found.split() if path.startswith("/opt")] == []
    assert "gcc" not in found
    labels = api.seen()["Config"]["Labels"]
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert labels["org.opencontainers.image.version"] == version[1]
    assert api.run("bestguess", "--version").strip() == f"bestguess {version[1]}"

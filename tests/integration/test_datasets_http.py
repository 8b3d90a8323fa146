"""Data sets over HTTP: sent as an archive or one by one, looked at, removed."""

from collections.abc import Callable

import httpx
import pytest

from support.dataset_uploads import add, made, refused, send
from support.datasets import SIZE, pets, picture, tarred, zipped


@pytest.mark.parametrize("packed", [zipped, tarred])
def test_a_folder_a_class(visitor: httpx.Client, packed: Callable[[dict[str, bytes]], bytes]) -> None:
    """An archive becomes a data set, which is there from then on, in the list and by its id."""
    answer = send(visitor, packed(pets("my pets/")), "my pets.zip")
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert answer.headers["Location"] == f"/datasets/{found['id']}"
    assert [(one["name"], one["images"]) for one in found["classes"]] == [("cats", 2), ("dogs", 2)]
    assert (found["name"], found["images"], found["rejected"]) == ("my pets", 4, [])
    assert found["bytes"] == sum(map(len, pets().values()))
    assert found["classes"][0]["width"] == {"min": SIZE[0], "max": SIZE[0]}
    assert visitor.get(f"/datasets/{found['id']}").json() == found
    (brief,) = visitor.get("/datasets").json()["data"]
    assert brief["sha256"] == found["sha256"]
    assert brief["classes"] == [{"name": "cats", "images": 2}, {"name": "dogs", "images": 2}]


def test_the_hash_is_that_of_the_content(visitor: httpx.Client) -> None:
    """Names, order and folders above leave the hash as it is; another class or photograph does not."""
    same = [pets(), dict(reversed(pets().items())), pets("top/"), {f"{p[:5]}x{p[5:]}": d for p, d in pets().items()}]
    hashes = {made(visitor, files)["sha256"] for files in same}
    assert len(hashes) == 1
    for other in (pets() | {"dogs/3.png": picture(9)}, {p.replace("dogs", "birds"): d for p, d in pets().items()}):
        assert made(visitor, other)["sha256"] not in hashes


def test_the_body_itself(visitor: httpx.Client) -> None:
    """An archive may be the whole body, and has a name where one is asked for."""
    kind = {"Content-Type": "application/zip"}
    answer = visitor.post("/datasets", params={"name": "котики 🐈"}, content=zipped(pets()), headers=kind)
    assert (answer.status_code, answer.json()["name"]) == (201, "котики 🐈")
    refused(
        visitor.post("/datasets", content=b"{}", headers={"Content-Type": "application/json"}), 415, "application/zip"
    )
    refused(visitor.post("/datasets", files={"archive": b"x"}), 422, "'file'", "archive")
    refused(visitor.post("/datasets"), 422, "name")
    refused(visitor.post("/datasets", params={"name": "a\nb"}), 422, "seen")


def test_one_by_one(visitor: httpx.Client) -> None:
    """An empty data set grows by photographs with their label; the same ones once more change nothing."""
    empty = visitor.post("/datasets", params={"name": "birds"}).json()
    assert (empty["name"], empty["images"], empty["classes"]) == ("birds", 0, [])
    first = add(visitor, empty["id"], "owls", a=picture(1), b=picture(2), c=b"no picture").json()
    assert (first["added"], first["unchanged"], first["dataset"]["version"]) == (2, 0, 2)
    assert [one["path"] for one in first["rejected"]] == ["owls/c.png"]
    assert add(visitor, empty["id"], "jays", a=picture(3)).json()["added"] == 1
    again = add(visitor, empty["id"], "owls", a=picture(1), b=picture(2)).json()
    assert (again["added"], again["unchanged"], again["rejected"]) == (0, 2, [])
    found = visitor.get(f"/datasets/{empty['id']}").json()
    assert [(one["name"], one["images"]) for one in found["classes"]] == [("jays", 1), ("owls", 2)]
    other = made(visitor, {"owls/x.png": picture(1), "owls/y.png": picture(2), "jays/z.png": picture(3)})
    assert found["sha256"] == other["sha256"]


def test_two_photographs_with_one_name(visitor: httpx.Client) -> None:
    """Telephones call many photographs alike: each is kept, and each once however often it comes."""
    empty = visitor.post("/datasets", params={"name": "birds"}).json()
    counts = [add(visitor, empty["id"], "owls", image=picture(seed)).json()["added"] for seed in (1, 2, 1, 2, 3)]
    assert counts == [1, 1, 0, 0, 1]
    assert visitor.get(f"/datasets/{empty['id']}").json()["images"] == 3


def test_labels_that_are_none(visitor: httpx.Client) -> None:
    """A label has to be a name, and there has to be one photograph that can be used; else nothing changes."""
    found = made(visitor)
    for label in ("", "..", "a/b", "a\\b", ".hidden", "a\nb", "x" * 101, "__MACOSX", " "):
        refused(add(visitor, found["id"], label, a=picture(1)), 422, "label")
    refused(visitor.post(f"/datasets/{found['id']}/images", files={"file": picture(1)}), 422, "label")
    refused(add(visitor, found["id"], "cats", a=b"none"), 422, "cats/a.png", "not an image")
    refused(visitor.post(f"/datasets/{found['id']}/images", json={"label": "cats"}), 415, "multipart/form-data")
    refused(add(visitor, "ds_none", "cats", a=picture(1)), 404, "GET /datasets")
    assert visitor.get(f"/datasets/{found['id']}").json() == found


def test_one_bad_file_among_good_ones(visitor: httpx.Client) -> None:
    """What cannot be used is told of with its reason, and loses nothing else."""
    bad = {
        "dogs/text.png": (b"hello", "not an image"),
        "dogs/half.png": (picture(7)[:900], "broken"),
        "dogs/empty.jpg": (b"", "empty"),
        "dogs/a.tiff": (b"II*\0" + bytes(99), "TIFF is not accepted"),
        "dogs/more.zip": (zipped(pets()), "archive in an archive"),
        "dogs/large.bmp": (b"BM" + bytes(20_000), "20,000 bytes"),
        "../out.png": (picture(8), "leads out"),
        "top.png": (picture(9), "no class's folder"),
        "birds/": (b"", "no picture in this folder"),
    }
    files = pets() | {path: data for path, (data, _) in bad.items()} | {".DS_Store": b"x", "dogs/Thumbs.db": b"x"}
    found = made(visitor, files)
    assert (found["images"], found["rejected_total"]) == (4, len(bad))
    reasons = {one["path"]: one["reason"] for one in found["rejected"]}
    assert reasons.keys() == bad.keys()
    for path, (_, words) in bad.items():
        assert words in reasons[path]


def test_what_is_no_data_set(visitor: httpx.Client) -> None:
    """One class, no class, nothing usable and no archive: each is refused in words, and nothing is kept."""
    one = {path: data for path, data in pets("top/").items() if "cats" in path}
    told = refused(
        send(visitor, zipped(one | {"top/dogs/": b"", "top/dogs/x.png": b"x"})), 422, "one class only", "'cats'"
    )
    assert {refused["path"] for refused in told["rejected"]} == {"top/dogs/x.png", "dogs/"}
    refused(send(visitor, zipped({"1.png": picture(1), "2.png": picture(2)})), 422, "no class's folder")
    refused(send(visitor, zipped({"cats/1.png": b"x", "dogs/1.png": b"x"})), 422, "cats/1.png", "not an image")
    refused(send(visitor, zipped({})), 422, "folder for each class")
    refused(send(visitor, picture(1)), 400, "single picture")
    refused(send(visitor, b""), 400, "empty")
    refused(send(visitor, zipped(pets())[:-30]), 400, "cut off")
    refused(send(visitor, tarred(pets())[:-30]), 400, "too early")
    assert visitor.get("/datasets").json() == {"data": [], "has_more": False}


def test_too_much(visitor: httpx.Client) -> None:
    """More bytes, photographs or bytes unpacked than may be are 413; a larger body than others may have is taken."""
    refused(send(visitor, bytes(400_001)), 413, "400,000 bytes")
    refused(visitor.post("/classify", files={"file": bytes(20_001)}), 413, "20,000 bytes")
    refused(visitor.post("/datasetsx", files={"file": bytes(20_001)}), 404)
    refused(send(visitor, zipped({f"cats/{n}.png": bytes(19_000) for n in range(30)})), 413, "unpacks to more")
    refused(send(visitor, zipped({f"cats/{n}.png": picture(n) for n in range(11)})), 413, "more than 10 photographs")
    found = made(visitor, pets() | {f"large/{n}.bmp": b"BM" + bytes(15_000) for n in range(9)})
    assert found["images"] == 4

"""What people paste, and the address that they mean."""

import string
from pathlib import PurePosixPath

import pytest
from huggingface_hub import constants
from hypothesis import example, given
from hypothesis import strategies as st
from table import every

from segdemo.errors import HubError
from segdemo.hub.addresses import parse
from segdemo.hub.references import Address

COMMIT = "10305d785481cf4b2eee1d447c39cd6e5f43d74b"


def address(repo_id="x/y", **parts):
    return Address(repo_id=repo_id, **parts)


@every(
    ("text", "expected"),
    [
        ("Carve/u2net-universal", address("Carve/u2net-universal")),
        ("  x/y\n", address()),
        ('"x/y"', address()),
        ("'x/y'", address()),
        ("`x/y`", address()),
        ("<https://huggingface.co/x/y>", address()),
        ("x/y/", address()),
        ("models/x/y", address()),
        ("x/y@v1.0", address(revision="v1.0")),
        (f"x/y@{COMMIT}", address(revision=COMMIT)),
        ("x/y@refs/pr/5", address(revision="refs/pr/5")),
        ("x/y@refs%2Fpr%2F5", address(revision="refs/pr/5")),
        ("x/y@feature%2Fa/m.pth", address(revision="feature/a", filename="m.pth")),
        ("x/y/m.pth", address(filename="m.pth")),
        ("x/y/checkpoints/a/m.pth", address(filename="checkpoints/a/m.pth")),
        ("x/y@v1/a/m.pth", address(revision="v1", filename="a/m.pth")),
        ("x/y@refs/pr/5/a/m.pth", address(revision="refs/pr/5", filename="a/m.pth")),
        ("x/y/blob/main/m.pth", address(revision="main", filename="m.pth")),
        ("x/y/tree/v1", address(revision="v1")),
        ("gpt2@main", address("gpt2", revision="main")),
    ],
)
def test_an_id_with_its_revision_and_file_is_read(text, expected):
    assert parse(text) == expected


SITES = [
    "https://huggingface.co",
    "http://huggingface.co",
    "HTTPS://HuggingFace.co",
    "https://www.huggingface.co",
    "https://hf.co",
    "huggingface.co",
    "hf.co",
    "https://hf-mirror.com",
]


@every(
    ("site", "path", "expected"),
    [
        (site, *row)
        for site in SITES
        for row in [
            ("/x/y", address()),
            ("/x/y/", address()),
            ("/x/y/tree/main", address(revision="main")),
            ("/x/y/tree/main/folder", address(revision="main")),
            ("/x/y/blob/main/a/m.pth", address(revision="main", filename="a/m.pth")),
            ("/x/y/raw/v1/m.pth", address(revision="v1", filename="m.pth")),
            (
                "/x/y/resolve/main/m.pth?download=true",
                address(revision="main", filename="m.pth"),
            ),
            ("/x/y/blob/main/m.pth#L3", address(revision="main", filename="m.pth")),
            ("/x/y/blob/main/a%20b.pth", address(revision="main", filename="a b.pth")),
            (
                "/x/y/blob/refs%2Fpr%2F5/m.pth",
                address(revision="refs/pr/5", filename="m.pth"),
            ),
            ("/x/y/blob/refs/pr/5/m.pth", address(revision="refs/pr/5", filename="m.pth")),
            ("/x/y/blob/a%2Fb/c/m.pth", address(revision="a/b", filename="c/m.pth")),
            (f"/x/y/commit/{COMMIT}", address(revision=COMMIT)),
            ("/x/y/commits/v1", address(revision="v1")),
            ("/x/y/discussions/3", address()),
            ("/gpt2", address("gpt2")),
            ("/gpt2/blob/main/m.bin", address("gpt2", revision="main", filename="m.bin")),
            ("/spaces/x/y", address(repo_type="space")),
            (
                "/spaces/x/y/blob/main/m.pth",
                address(repo_type="space", revision="main", filename="m.pth"),
            ),
            ("/api/models/x/y/tree/main", address(revision="main")),
            ("/api/spaces/x/y", address(repo_type="space")),
        ]
    ],
)
def test_the_address_of_a_page_or_file_is_read(site, path, expected):
    assert parse(site + path) == expected


def test_the_configured_endpoint_is_a_hub(monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "https://models.example.org:8443")
    assert parse("https://models.example.org:8443/x/y/blob/main/m.pth") == address(
        revision="main", filename="m.pth"
    )
    assert parse("models.example.org/x/y") == address()


def test_a_mirror_is_known_by_the_path_of_a_file():
    expected = address(revision="main", filename="m.pth")
    assert parse("https://mirror.example.org/x/y/resolve/main/m.pth") == expected


@every(
    ("text", "expected"),
    [
        ("hf://x/y", address()),
        ("HF://x/y", address()),
        ("hf://x/y/a/m.pth", address(filename="a/m.pth")),
        ("hf://models/x/y@v1/m.pth", address(revision="v1", filename="m.pth")),
        (
            "hf://spaces/x/y@main/m.pth",
            address(repo_type="space", revision="main", filename="m.pth"),
        ),
        ("hf://gpt2", address("gpt2")),
        ("spaces/x/y", address(repo_type="space")),
        ("spaces/x/y/m.pth", address(repo_type="space", filename="m.pth")),
    ],
)
def test_the_ids_of_the_hubs_file_system_and_of_spaces_are_read(text, expected):
    assert parse(text) == expected


@every(
    ("text", "expected"),
    [
        ('model = AutoModel.from_pretrained("x/y")', address()),
        ("smp.from_pretrained('x/y', revision='v1')", address(revision="v1")),
        (
            'Unet.from_pretrained("gpt2", revision="refs/pr/2")',
            address("gpt2", revision="refs/pr/2"),
        ),
        ('path = hf_hub_download("x/y", "m.pth")', address(filename="m.pth")),
        (
            'hf_hub_download(repo_id="x/y", filename="m.pth", repo_type="space")',
            address(repo_type="space", filename="m.pth"),
        ),
        (
            'hf_hub_download("x/y", subfolder="a", filename="m.pth")',
            address(filename="a/m.pth"),
        ),
        ("hf download x/y", address()),
        ("$ hf download x/y m.pth --revision v1", address(revision="v1", filename="m.pth")),
        ("huggingface-cli download x/y --repo-type=space", address(repo_type="space")),
        ("git clone https://huggingface.co/x/y", address()),
        ("git clone https://huggingface.co/x/y.git here", address()),
    ],
)
def test_a_line_from_a_card_is_read(text, expected):
    assert parse(text) == expected


@every(
    "text",
    [
        "unet",
        "u2net",
        "salient object",
        "cloth/dress segmentation",
        "U-Net retina",
        "m.pth",
    ],
)
def test_words_are_a_search(text):
    assert parse(text) is None


@every(
    ("text", "key"),
    [
        ("", "hub_empty"),
        (" \n", "hub_empty"),
        ('""', "hub_empty"),
        ("x//y", "hub_not_an_address"),
        ("x/", "hub_not_an_address"),
        ("/x", "hub_not_an_address"),
        ("x--y/z", "hub_not_an_address"),
        ("x/y--z", "hub_not_an_address"),
        ("..", "hub_not_an_address"),
        ("../y", "hub_not_an_address"),
        ("x/..", "hub_not_an_address"),
        ("x/y/../z", "hub_not_an_address"),
        ("x/y/a//b", "hub_not_an_address"),
        ("x/y/./b", "hub_not_an_address"),
        ("x/y@..", "hub_not_an_address"),
        ("x/y@a..b", "hub_not_an_address"),
        ("x/y@-v", "hub_not_an_address"),
        ("x/y@%2Fetc", "hub_not_an_address"),
        ("x/y/C:/z", "hub_not_an_address"),
        ("x/y/a\\b", "hub_not_an_address"),
        ("x/y\x00", "hub_not_an_address"),
        ("x/y\u202e", "hub_not_an_address"),
        ("/home/me/m.pth", "hub_not_an_address"),
        ("~/m.pth", "hub_not_an_address"),
        ("C:\\models\\m.pth", "hub_not_an_address"),
        ("https://huggingface.co", "hub_not_an_address"),
        ("https://huggingface.co/", "hub_not_an_address"),
        ("https://huggingface.co/docs/transformers", "hub_not_an_address"),
        ("https://huggingface.co/models?search=unet", "hub_not_an_address"),
        ("https://huggingface.co/x/y/blob/main/..%2F..%2Fz", "hub_not_an_address"),
        ("https://huggingface.co/x/y/blob/..%2Fz/m", "hub_not_an_address"),
        ("https://huggingface.co/x/y/blob/main/%2e%2e/m", "hub_not_an_address"),
        ("https://huggingface.co/x/y/blob/main/%E2%80%AEm", "hub_not_an_address"),
        ("https://huggingface.co/x/y/blob/main/%00m", "hub_not_an_address"),
        ("https://[::1", "hub_not_an_address"),
        ("hf://", "hub_not_an_address"),
        ("hf://buckets/x/y", "hub_not_an_address"),
        ("hf download", None),
        ("from_pretrained()", "hub_not_an_address"),
        ('from_pretrained("../../evil")', "hub_not_an_address"),
        ('from_pretrained("x/y", repo_type="kernel")', "hub_not_an_address"),
        ("x" * 97 + "/y", "hub_not_an_address"),
        ("x/" * 2000, "hub_not_an_address"),
        ("datasets/x/y", "hub_dataset"),
        ("hf://datasets/x/y", "hub_dataset"),
        ("https://huggingface.co/datasets/x/y/blob/main/m.pth", "hub_dataset"),
        ("hf download x/y --repo-type dataset", "hub_dataset"),
        ("https://github.com/xuebinqin/U-2-Net", "hub_foreign_host"),
        ("https://github.com/x/y/blob/main/m.pth", "hub_foreign_host"),
        ("https://github.com/x/y/raw/main/m.pth", "hub_foreign_host"),
        (
            "https://drive.google.com/file/d/1ao1ovG1Qtx4b7EoskHXmi2E9rp5CHLcZ/view",
            "hub_foreign_host",
        ),
        ("http://169.254.169.254/x/y", "hub_foreign_host"),
        ("https://evil.org/huggingface.co/x/y", "hub_foreign_host"),
    ],
)
def test_what_is_neither_is_refused_with_a_sentence(text, key):
    if key is None:
        assert parse(text) is None
        return
    with pytest.raises(HubError) as caught:
        parse(text)
    assert caught.value.key == key


@every(
    "parts",
    [
        {"repo_id": "../x"},
        {"repo_id": "x/y/z"},
        {"repo_id": "x/.y"},
        {"repo_id": "x/y.git"},
        {"repo_id": ""},
        {"revision": ".."},
        {"revision": "a/../b"},
        {"revision": "/a"},
        {"revision": "a b"},
        {"revision": ""},
        {"revision": "x" * 501},
        {"filename": "../x"},
        {"filename": "a/../x"},
        {"filename": "a/.."},
        {"filename": "/etc/passwd"},
        {"filename": "a//b"},
        {"filename": "a/./b"},
        {"filename": "a/"},
        {"filename": "a\\..\\b"},
        {"filename": "C:x"},
        {"filename": "a/C:/x"},
        {"filename": "a\nb"},
        {"filename": ""},
    ],
)
def test_no_address_has_parts_that_leave_a_folder(parts):
    with pytest.raises(HubError) as caught:
        address(**parts)
    assert caught.value.key == "hub_not_an_address"


def test_names_as_people_give_them_are_addresses():
    for filename in ("a b (1).pth", "épochs/ünet.pth", "step=1..2.ckpt", "ab:c.pth", ".hidden/x"):
        assert address(filename=filename).filename == filename


def test_a_long_line_is_shortened_in_the_sentence():
    with pytest.raises(HubError) as caught:
        parse("x/y/" + "é<b>" * 400 + "//")
    assert len(str(caught.value)) < 300


TOKENS = (
    "/ // . .. -- @ : \\ %2F %2e%2e ? # & ~ refs pr main blob resolve tree spaces datasets models"
    " api https:// http:// hf:// huggingface.co hf.co x y gpt2 m.pth \" ' ( ) from_pretrained("
    " hf_hub_download( filename= git hf download clone --revision"
)
PIECES = st.lists(
    st.one_of(
        st.sampled_from([*TOKENS.split(), " ", "\n", "\x00"]),
        st.text(string.printable, max_size=3),
        st.text(max_size=3),
    ),
    max_size=12,
).map("".join)


@given(PIECES)
@example("https://huggingface.co/%2e%2e/y")
@example("x/y@refs/pr/1/../../etc")
@example("hf download x/y --revision")
def test_whatever_is_pasted_gives_an_address_that_stays_inside_or_a_sentence(text):
    try:
        found = parse(text)
    except HubError:
        return
    if found is None:
        return
    parts = [part for part in (found.repo_id, found.revision, found.filename) if part is not None]
    for part in parts:
        assert ".." not in part
        assert "\\" not in part
        assert part.isprintable()
        assert not PurePosixPath(part).is_absolute()
        assert str(PurePosixPath("/cache", part)) == f"/cache/{part}"
    assert found.repo_id.count("/") <= 1


@given(PIECES)
def test_an_address_that_was_read_is_read_again(text):
    try:
        found = parse(text)
    except HubError:
        return
    if found is None or "/" not in found.repo_id or "@" in (found.filename or ""):
        return
    prefix = "spaces/" if found.repo_type == "space" else "models/"
    revision = (
        f"@{found.revision.replace('%', '%25').replace('/', '%2F')}" if found.revision else ""
    )
    again = f"hf://{prefix}{found.repo_id}{revision}/{found.filename or ''}"
    assert parse(again) == found

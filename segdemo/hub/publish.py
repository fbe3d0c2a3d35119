"""Publishes a checkpoint on the Hub: safetensors with metadata, config.json and a model card."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, ModelCardData

from segdemo.checkpoints.detection import Detection
from segdemo.checkpoints.export import export_safetensors
from segdemo.checkpoints.recognise import recognise
from segdemo.errors import HubError
from segdemo.hub import client
from segdemo.hub.addresses import parse
from segdemo.hub.client import Token, endpoint, has_token
from segdemo.spec import SegmentationSpec
from segdemo.wording import shown

WEIGHTS_NAME = "model.safetensors"
LIBRARY_NAME = "segdemo"
_TASK = "image-segmentation"

_CARD = """\
---
{front}
---

# {title}

{architecture}, {configuration}: {parameters} parameters, {classes}.

```python
import segdemo
from PIL import Image

segmenter = segdemo.from_pretrained("{repo_id}")
prediction = segmenter.predict(Image.open("photo.jpg"))
prediction.mask({threshold:g})  # at the picture's own size
```

## How a picture goes in, and what comes out

| field | value | decided by |
|---|---|---|
{fields}

The weights are plain safetensors under the names of segdemo's {architecture}; `config.json` and the
file's own metadata under the key `segdemo` hold the table above.
"""


def publish(
    source: str | Path,
    repo_id: str,
    *,
    licence: str | None = None,
    private: bool = False,
    assume: str | None = None,
    token: Token = None,
) -> str:
    """Upload ``source`` as the repository ``repo_id``, created if need be; the URL of its page.

    ``licence`` is a licence id of the Hub; by default the one that the file itself states, or
    none. The token is the environment's HF_TOKEN by default. Raises CheckpointError, and
    HubError for a name that is none, a token that may not write, or a Hub out of reach.
    """
    address = parse(repo_id)
    if address is None or address.filename is not None or address.repo_type != "model":
        raise HubError("publish_not_a_name", name=shown(repo_id))
    if not has_token(token):
        raise HubError("publish_no_token", page=f"{endpoint()}/settings/tokens")
    with tempfile.TemporaryDirectory() as folder:
        write_repository(
            source, Path(folder), repo_id=address.repo_id, licence=licence, assume=assume
        )
        with client.session(address, token=token) as session:
            # Sending goes through huggingface_hub and the client it shares, which waits and tries
            # again as files of this size need; but only after the Hub has answered in time.
            client.answered(session.request("GET", f"{endpoint()}/api/whoami-v2"))
            hub = HfApi(endpoint=endpoint(), token=token, library_name=LIBRARY_NAME)
            hub.create_repo(address.repo_id, private=private, exist_ok=True)
            hub.upload_folder(
                repo_id=address.repo_id,
                folder_path=folder,
                commit_message=f"Add {Path(source).name} as segdemo reads it",
            )
    return f"{endpoint()}/{address.repo_id}"


def write_repository(
    source: str | Path,
    folder: Path,
    *,
    repo_id: str,
    licence: str | None = None,
    assume: str | None = None,
) -> None:
    """Write model.safetensors, config.json and README.md to ``folder``. Raises CheckpointError."""
    recognised = recognise(source, assume=assume)
    detection, spec, words = recognised.detection, recognised.spec, recognised.metadata
    licence = licence or _stated_licence(words)
    if licence:
        words = {**words, "licence": licence}
    export_safetensors(detection, spec, words, folder / WEIGHTS_NAME)
    facts = {
        "library_name": LIBRARY_NAME,
        "architecture": detection.architecture.id,
        "config": asdict(detection.config),
        **spec.to_dict(),
    }
    (folder / "config.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    title = str(words.get("title") or repo_id.rpartition("/")[2])
    card = _card(detection, spec, repo_id=repo_id, title=title, licence=licence)
    (folder / "README.md").write_text(card, encoding="utf-8")


def _stated_licence(words: Mapping[str, Any]) -> str | None:
    stated = words.get("licence")
    return stated.lower() if isinstance(stated, str) and stated else None


def _card(
    detection: Detection, spec: SegmentationSpec, *, repo_id: str, title: str, licence: str | None
) -> str:
    architecture, post = detection.architecture, spec.postprocessing
    front = ModelCardData(
        library_name=LIBRARY_NAME,
        license=licence,
        pipeline_tag=_TASK,
        tags=[LIBRARY_NAME, architecture.id, _TASK, "pytorch", "safetensors"],
    )
    named = f" ({', '.join(post.classes)})" if post.classes else ""
    count = detection.config.classes
    return _CARD.format(
        front=front.to_yaml(),
        title=_plain(title),
        architecture=architecture.title,
        configuration=architecture.describe(detection.config),
        parameters=f"{detection.parameters:,}",
        classes=_plain(f"{count} class{'es' if count > 1 else ''}{named}"),
        repo_id=repo_id,
        threshold=post.threshold,
        fields="\n".join(_rows(spec)),
    )


def _rows(spec: SegmentationSpec) -> Iterator[str]:
    for part, values in spec.to_dict().items():
        for field, value in values.items():
            origin = spec.origins.get(f"{part}.{field}") or "default"
            shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
            yield f"| {field} | {_plain(str(shown))} | {_plain(origin)} |"


def _plain(foreign: str) -> str:
    """Foreign text as one line of Markdown without markup of its own."""
    line = " ".join(foreign.split())
    return "".join(f"\\{sign}" if sign in "\\`*_<>[]|#" else sign for sign in line)

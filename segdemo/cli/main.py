"""The command line: look into a checkpoint, run it on images, train it, write it anew."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from segdemo.architectures import SizeRequirements
from segdemo.checkpoints import read_file
from segdemo.checkpoints.export import export_onnx, export_original, export_safetensors
from segdemo.checkpoints.nearest import nearest_miss
from segdemo.checkpoints.places import located
from segdemo.checkpoints.recognise import recognise
from segdemo.checkpoints.renaming import proposed_names
from segdemo.checkpoints.unwrap import unwrap
from segdemo.cli import evaluate as evaluation
from segdemo.cli import finetune as finetuning
from segdemo.cli import predict as predicting
from segdemo.cli.options import add_overrides, overrides_of
from segdemo.errors import ExportError, SegdemoError, UnknownNetworkError
from segdemo.graphs.outputs import GRAPH_OUTPUTS
from segdemo.hub.publish import publish
from segdemo.images.decode import decode
from segdemo.inference.inspection import inspect_network
from segdemo.inference.segmenter import load
from segdemo.settings import Settings
from segdemo.strings import text
from segdemo.version import VERSION
from segdemo.wording import printable, shown

_ORIGINAL = Path("original")
"""In place of a file of names: those that the checkpoint has."""
_OURS = "segdemo"
_FAILED = 1
_STOPPED = 128 + 2
_UNREAD = 128 + 13
"""What a shell reports of a program that SIGINT and SIGPIPE end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 when something failed, 2 when it was misused.

    A failure is one line on stderr, what the disk refuses too. Ctrl-C gives 130, and 141 is for
    output that nobody reads any longer, as a shell expects.
    """
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options, Settings.from_environment())
        sys.stdout.flush()
    except SegdemoError as error:
        _complain(str(error))
        return _FAILED
    except KeyboardInterrupt:
        goes_on = getattr(options, "skip_existing", None) is not None
        _complain(text("cli_stopped") if goes_on else text("cli_interrupted"))
        return _STOPPED
    except BrokenPipeError:
        # Python flushes once more at the end, and would complain of the same.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _UNREAD
    except OSError as error:
        name = printable(str(error.filename or "-"))
        _complain(text("cli_system", name=name, reason=error.strerror or type(error).__name__))
        return _FAILED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_program(), description=text("cli_segdemo"))
    parser.add_argument(
        "--version",
        action="version",
        version=f"segdemo {VERSION}",
        help=text("cli_version"),
    )
    commands = parser.add_subparsers(required=True, metavar=text("cli_command"))

    inspect = commands.add_parser("inspect", help=text("cli_inspect"))
    inspect.add_argument("file", type=located, help=text("cli_file"))
    inspect.add_argument("--json", action="store_true", help=text("cli_json"))
    inspect.add_argument("--image", type=Path, help=text("cli_inspect_image"))
    inspect.add_argument("--diff", action="store_true", help=text("cli_diff"))
    inspect.add_argument("--names", type=Path, metavar="OUT", help=text("cli_names_out"))
    inspect.set_defaults(run=_inspect)

    predict = commands.add_parser("predict", help=text("cli_predict"))
    predicting.add_options(predict)
    predict.set_defaults(run=_predict)

    export = commands.add_parser("export", help=text("cli_export"))
    export.add_argument("file", type=located, help=text("cli_file"))
    export.add_argument("--to", type=Path, required=True, help=text("cli_to"))
    export.add_argument("--output", choices=GRAPH_OUTPUTS, help=text("cli_graph_output"))
    export.add_argument("--fp16", action="store_true", help=text("cli_fp16"))
    export.set_defaults(run=_export)

    publishing = commands.add_parser("publish", help=text("cli_publish"))
    publishing.add_argument("file", type=located, help=text("cli_file"))
    publishing.add_argument("repository", help=text("cli_repository"))
    publishing.add_argument("--licence", metavar="ID", help=text("cli_licence"))
    publishing.add_argument("--private", action="store_true", help=text("cli_private"))
    publishing.set_defaults(run=_publish)

    evaluating = commands.add_parser("evaluate", help=text("evaluate_help"))
    evaluation.add_options(evaluating)
    evaluating.set_defaults(run=_evaluate)

    finetune = commands.add_parser("finetune", help=text("finetune_help"))
    finetuning.add_options(finetune)
    finetune.set_defaults(run=_finetune)

    for command, help_key in ((predict, "cli_names"), (export, "cli_export_names")):
        command.add_argument("--names", type=Path, metavar="FILE", help=text(help_key))
    for command in (inspect, predict, evaluating, export, publishing, finetune):
        command.add_argument("--assume", metavar="ID", help=text("cli_assume"))
    for command in (inspect, export):
        add_overrides(command)
    return parser


def _program() -> str:
    """As a person called it: the script of the installed package, or the module."""
    name = Path(sys.argv[0]).stem
    return "segdemo" if name == "segdemo" else "python -m segdemo"


def _complain(sentence: str) -> None:
    print(f"segdemo: {sentence}", file=sys.stderr)


def _inspect(options: argparse.Namespace, settings: Settings) -> int:
    if options.names:
        _write_names(options)
    try:
        segmenter = load(
            options.file,
            device="cpu",
            assume=options.assume,
            overrides=overrides_of(options),
            settings=settings,
        )
    except UnknownNetworkError:
        if options.diff:
            _print_differences(options.file)
        raise
    image = options.image and decode(options.image, max_megapixels=settings.max_megapixels)
    facts = inspect_network(segmenter, image)
    if options.json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(facts)))
    return 0


def _write_names(options: argparse.Namespace) -> None:
    """Writes the checkpoint's names beside ours, null for a gap."""
    proposed = proposed_names(read_file(options.file).content, assume=options.assume)
    options.names.write_text(json.dumps(proposed, indent=1), encoding="utf-8")
    gaps = sum(name is None for name in proposed["names"].values())
    print(text("cli_names_written", name=options.names, count=len(proposed["names"]), gaps=gaps))


def _print_differences(path: Path) -> None:
    """What the closest network has otherwise, a tensor a line; all tensors if none is close."""
    tensors = unwrap(read_file(path).content).tensors
    miss = nearest_miss(tensors)
    if miss is None or not miss.differences:
        for name, tensor in tensors.items():
            print(text("cli_difference_surplus", name=shown(name), here=str(tuple(tensor.shape))))
    for difference in miss.differences if miss else ():
        name, here, fits = difference.name, difference.here, difference.fits
        if here is None:
            print(text("cli_difference_missing", name=name, fits=fits or "").rstrip())
        elif fits is None:
            print(text("cli_difference_surplus", name=name, here=here))
        else:
            print(text("cli_difference_shape", name=name, here=here, fits=fits))


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    """The report for a terminal, one fact a line."""
    rows: list[tuple[str, str]] = [
        ("architecture", f"{facts['title']} ({facts['architecture']}), {facts['configuration']}"),
        ("origin", facts["origin"]),
        ("parameters", f"{facts['parameters']:,}"),
        ("in_channels", str(facts["in_channels"])),
        ("classes", " · ".join([str(facts["classes"]), *facts["class_names"]])),
        ("assumed", _with_known(facts["assumed"], facts["known"])),
        *(
            ("alternative", _with_known(other["id"], other["known"]))
            for other in facts["alternatives"]
        ),
        *(("stripped", name) for name in facts["stripped"]),
        *(("class value", value) for value in facts["class_values"]),
    ]
    evidence = facts["evidence"]
    on_image = evidence["image"] or {"readings": (), "sentences": ()}
    rows += [("evidence", sentence) for sentence in evidence["sentences"]]
    rows += [("on the image", sentence) for sentence in on_image["sentences"]]
    rows += [
        (f"  {reading['name']}", f"{reading['distance']:.2f}") for reading in on_image["readings"]
    ]
    for name, said in facts["spec"].items():
        value = said["value"]
        words = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        rows.append((name, f"{words or '–'}  ({said['origin']})"))
    width = max(len(name) for name, _ in rows)
    return (f"{name:<{width}}  {value}" for name, value in rows)


def _with_known(name: str, known: dict[str, Any]) -> str:
    facts = ", ".join(f"{key}={value}" for key, value in known.items())
    return f"{name} ({facts})" if facts else name


def _predict(options: argparse.Namespace, settings: Settings) -> int:
    return predicting.run(options, settings, _complain)


def _evaluate(options: argparse.Namespace, settings: Settings) -> int:
    return evaluation.run(options, settings, _complain)


def _export(options: argparse.Namespace, settings: Settings) -> int:
    target: Path = options.to
    if target.suffix not in (".safetensors", ".onnx"):
        raise ExportError("export_ending", name=target.name)
    if target.resolve() == options.file.resolve():
        raise ExportError("export_exists", name=target.name)
    original = options.names == _ORIGINAL and not _ORIGINAL.exists()
    is_graph = target.suffix == ".onnx"
    if (options.output or options.fp16) and not is_graph:
        raise ExportError("export_graph_only")
    names = None if original else options.names
    recognised = recognise(
        options.file, assume=options.assume, names=names, overrides=overrides_of(options)
    )
    detection, spec = recognised.detection, recognised.spec
    target.parent.mkdir(parents=True, exist_ok=True)
    facts: dict[str, str] = {}
    if is_graph:
        output = options.output or GRAPH_OUTPUTS[0]
        found = export_onnx(detection, spec, target, output=output, half=options.fp16)
        facts["difference"] = f"{found:.1g}"
        facts["sizes"] = _sizes(detection.architecture.requirements(detection.config))
    elif original:
        tensors = unwrap(read_file(options.file).content).tensors
        export_original(tensors, detection, spec, recognised.metadata, target)
    else:
        export_safetensors(detection, spec, recognised.metadata, target)
        if detection.mapping.renames and detection.origin != _OURS:
            _complain(text("cli_renamed", origin=detection.origin))
    print(
        text(
            "cli_exported_onnx" if facts else "cli_exported",
            name=target.name,
            architecture=detection.architecture.title,
            megabytes=f"{target.stat().st_size / 1e6:.1f}",
            **facts,
        )
    )
    return 0


def _sizes(required: SizeRequirements) -> str:
    """For which images an exported graph is, in words."""
    if required.remainder:
        facts = {"multiple": required.multiple_of, "remainder": required.remainder}
        return text("cli_multiples_and", **facts)
    if required.multiple_of > 1:
        return text("cli_multiples", multiple=required.multiple_of)
    return text("cli_any_size")


def _publish(options: argparse.Namespace, settings: Settings) -> int:
    address = publish(
        options.file,
        options.repository,
        licence=options.licence,
        private=options.private,
        assume=options.assume,
    )
    print(
        text(
            "cli_published",
            name=options.file.name,
            address=address,
            repository=address.partition("://")[2].partition("/")[2],
        )
    )
    return 0


def _finetune(options: argparse.Namespace, settings: Settings) -> int:
    return finetuning.run(options, settings, print)

"""What the tensors of a U-shaped network leave open, and the names of the answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

from segdemo.architectures.u_shape.config import (
    BlockConfig,
    ConvConfig,
    UShapeConfig,
)
from segdemo.checkpoints.structure.hints import (
    activates_first,
    activates_last_only,
    activates_ups,
    enlarges_early,
    feeds_double,
    is_unpadded,
    joins_skip_first,
)
from segdemo.checkpoints.structure.roles import Roles

_GROUPS = (32, 8, 16, 4, 2, 1)
_ACTIVATIONS = ("relu", "leaky", "leaky_tenth", "leaky_fifth", "elu", "selu", "silu", "gelu")
_DOWN_ACTIVATIONS = {
    "down_linear": "none",
    "down_act": "same",
    **{f"down_{name}": name for name in ("relu", "leaky", "leaky_fifth")},
}
"""What may follow a convolution with a stride of its own; "same": what follows all others."""
_MAX_REPEATS = 5
_TOGETHER: tuple[Mapping[str, str], ...] = (
    {"groups": "instance_norm", "activation": "leaky"},
    {"groups": "instance_norm", "activation": "leaky_fifth"},
    {"join": "skip_first", "padding": "unpadded"},
    {"join": "skip_first", "padding": "unpadded_smaller"},
    *(
        {"join": join, "down_activation": follows}
        for join in ("up_first", "skip_first")
        for follows in ("down_act", "down_leaky", "down_leaky_fifth")
    ),
)
"""Answers that often go together: a leaky ReLU follows the instance norms of nnU-Net's kind, and
what is cropped is often written first."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One thing that no tensor tells."""

    field: str
    """Of the configuration."""
    answers: Mapping[str, Any]
    """Name -> value."""
    likeliest: str
    listed: tuple[str, ...] = ()
    """Answers that are offered as alternatives; the others have to be named."""
    usual: str = ""
    """The answer that needs no mention in an id; empty where each is mentioned."""
    is_paired: bool = False
    """Whether its alternatives are offered beside those of other paired questions, too."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reading:
    """Answers to all questions."""

    id: str
    answers: Mapping[str, str]
    """Field -> the name of the answer."""
    values: Mapping[str, Any]
    """Field -> the answer."""


def question_of_classes() -> Question:
    """Whether several classes compete (softmax) or stand beside each other (sigmoid)."""
    ends = {"softmax": "softmax", "sigmoid": "sigmoid"}
    return Question(
        field="ends_with",
        answers=ends,
        likeliest="softmax",
        usual="softmax",
        listed=tuple(ends),
    )


def questions_of(roles: Roles) -> list[Question]:
    """What is open about this network."""
    return [*_of_the_way_up(roles), *_of_blocks(roles), *_of_norms(roles), *_of_the_rest(roles)]


def readings_of(questions: Sequence[Question], assume: str | None) -> Iterator[Reading]:
    """The likeliest reading, the assumed one, then others that differ from it in one answer.

    Paired questions are varied together. Nothing where an assumed answer is no answer here; the
    others differ from what is assumed, if anything is.
    """
    likeliest = {question.field: question.likeliest for question in questions}
    chosen = dict(likeliest)
    if assume is not None:
        for name in assume.split("."):
            asked = next((one for one in questions if name in one.answers), None)
            if asked is None:
                return
            chosen[asked.field] = name
    paired = [question for question in questions if question.is_paired]
    single = [question for question in questions if not question.is_paired]
    combinations = [
        likeliest,
        chosen,
        *(
            {**chosen, **dict(zip([one.field for one in paired], names, strict=True))}
            for names in product(*(_offered(question) for question in paired))
        ),
        *({**chosen, one.field: name} for one in single for name in _offered(one)),
        *({**chosen, **also} for also in _TOGETHER if also.keys() <= chosen.keys()),
    ]
    seen = set()
    for answers in combinations:
        if any(answers[one.field] not in one.answers for one in questions):
            continue
        reading = _reading(questions, answers)
        if reading.id not in seen:
            seen.add(reading.id)
            yield reading


def how_often_paired(questions: Sequence[Question]) -> int:
    """How many readings answer the paired questions in all their ways; they come first."""
    return prod(len(_offered(question)) for question in questions if question.is_paired)


def _offered(question: Question) -> tuple[str, ...]:
    return tuple(dict.fromkeys((question.likeliest, *question.listed)))


def _reading(questions: Sequence[Question], answers: Mapping[str, str]) -> Reading:
    mentioned = [
        answers[question.field]
        for question in questions
        if answers[question.field] != question.usual
    ]
    return Reading(
        id=".".join(mentioned),
        answers=answers,
        values={one.field: one.answers[answers[one.field]] for one in questions},
    )


def _same(*names: str) -> dict[str, Any]:
    return {name: name for name in names}


def _of_the_way_up(roles: Roles) -> Iterator[Question]:
    config = roles.config
    kinds = {level.up.kind for level in config.decoder}
    if roles.levels.adds:
        answers = {"sum": "sum", "no_skips": "none"} if _may_add(config) else {"no_skips": "none"}
        likeliest = next(iter(answers))
    else:
        answers = _same("up_first", "skip_first")
        is_gated = any(level.gate and level.up.conv for level in config.decoder)
        skip_first = is_gated or "resize_conv" in kinds or joins_skip_first(roles.paths)
        likeliest = "skip_first" if skip_first else "up_first"
    yield Question(
        field="join", answers=answers, likeliest=likeliest, listed=tuple(answers), is_paired=True
    )
    if kinds & {"resize", "resize_conv"}:
        answers = _same("bilinear_aligned", "bilinear", "nearest")
        yield Question(
            field="interpolation",
            answers=answers,
            likeliest="nearest" if "resize_conv" in kinds else "bilinear_aligned",
            listed=tuple(answers),
            is_paired=True,
        )
    ups = [level.up.conv for level in config.decoder if level.up.conv]
    if ups:
        usual = "up_act" if ups[0].norm else "up_linear"
        # What Keras' U-Nets convolve with a kernel of 2 it activates as all else.
        is_keras = ups[0].kernel == 2 and "resize_conv" in kinds
        likeliest = "up_act" if is_keras or activates_ups(roles) else usual
        yield Question(
            field="up_activated",
            answers={"up_linear": False, "up_act": True},
            likeliest=likeliest,
            usual=usual,
            listed=("up_linear", "up_act"),
        )
    elif kinds == {"resize"}:
        early = enlarges_early(roles)
        has_norms = any(conv.norm for block in _blocks(config) for conv in block.convs)
        answers = {"enlarge_late": "before_join", "enlarge_early": "after_join"}
        yield Question(
            field="enlarged",
            answers=answers,
            likeliest="enlarge_early" if early else "enlarge_late",
            usual="enlarge_late",
            listed=tuple(answers) if early or not has_norms else (),
        )


def _may_add(config: UShapeConfig) -> bool:
    """Whether each level's skip has as many channels as what it would be added to."""
    skips = [block.out for block in config.encoder[-2::-1]]
    return all(
        level.up.conv is not None and level.up.conv.out == skip
        for level, skip in zip(config.decoder, skips, strict=True)
    )


def _of_blocks(roles: Roles) -> Iterator[Question]:
    blocks = _blocks(roles.config)
    if any(block.shortcut for block in blocks):
        yield Question(
            field="add",
            answers={"add_inside": "inside", "add_outside": "outside"},
            likeliest="add_inside",
            usual="add_inside",
            listed=("add_inside", "add_outside"),
        )
    if any(block.project for block in blocks):
        counted = {f"t{number}": number for number in range(_MAX_REPEATS + 1)}
        yield Question(
            field="repeats",
            answers={**counted, "doubled": "doubled"},
            likeliest="doubled" if feeds_double(roles.paths) else "t2",
            usual="t2",
            listed=("t1", "t2", "t3", "doubled"),
        )
    elif any(_may_add_first(block) for block in blocks) and not any(
        block.shortcut for block in blocks
    ):
        # A third convolution is often there for a sum around the last two.
        is_long = any(len(block.convs) > 2 for block in blocks[:-1])
        yield Question(
            field="identity",
            answers={"plain": False, "residual": True},
            likeliest="plain",
            usual="plain",
            listed=("plain", "residual") if is_long else (),
        )
    sparse = activates_last_only(roles)
    yield Question(
        field="activated",
        answers={"act_each": "each", "act_last": "last", "act_inner": "inner"},
        likeliest="act_last" if sparse else "act_each",
        usual="act_each",
        listed=("act_each", "act_last") if sparse else (),
    )
    if any(not conv.slopes for block in blocks for conv in block.convs):
        yield Question(
            field="activation",
            answers=_same(*_ACTIVATIONS),
            likeliest="relu",
            usual="relu",
            listed=("relu", "leaky", "leaky_fifth", "leaky_tenth", "elu", "silu", "gelu"),
        )


def _may_add_first(block: BlockConfig) -> bool:
    """Whether the first convolution gives as many channels as the block."""
    return len(block.convs) > 1 and block.convs[0].out == block.convs[-1].out


def _of_norms(roles: Roles) -> Iterator[Question]:
    config = roles.config
    blocks = _blocks(config)
    convs = [conv for block in blocks for conv in block.convs]
    if any(conv.norm for conv in convs):
        yield Question(
            field="order",
            answers=_same("norm_first", "act_first"),
            likeliest="act_first" if activates_first(roles) else "norm_first",
            usual="norm_first",
            listed=("norm_first", "act_first"),
        )
    else:
        # Instance norms without parameters leave no tensors, but take the bias's place.
        has_bias = any(conv.bias for conv in convs)
        yield Question(
            field="norm",
            answers={"no_norm": "batch", "instance_norm": "instance"},
            likeliest="no_norm" if has_bias else "instance_norm",
            usual="no_norm",
            listed=("no_norm", "instance_norm"),
        )
    if config.norm == "group":
        widths = {conv.out for conv in convs if conv.norm}
        fitting = {f"groups_{n}": n for n in _GROUPS if all(width % n == 0 for width in widths)}
        answers = {**fitting, "instance_norm": 0}
        sensible = [name for name, n in fitting.items() if 2 * n <= min(widths)]
        yield Question(
            field="groups",
            answers=answers,
            likeliest=(sensible or ["instance_norm"])[0],
            listed=tuple(answers),
        )


def _of_the_rest(roles: Roles) -> Iterator[Question]:
    if not any(block.down for block in roles.config.encoder):
        yield Question(
            field="down",
            answers={"max_pool": "max", "avg_pool": "average", "strided": "strided"},
            likeliest="max_pool",
            usual="max_pool",
            listed=("max_pool", "avg_pool", "strided"),
        )
    downs = [block.down for block in roles.config.encoder if block.down]
    if downs and not any(down.slopes for down in downs):
        usual = "down_act" if downs[0].norm else "down_linear"
        yield Question(
            field="down_activation",
            answers=_DOWN_ACTIVATIONS,
            likeliest=usual,
            usual=usual,
            listed=tuple(_DOWN_ACTIVATIONS),
        )
    plain = not any(block.shortcut or block.project for block in _blocks(roles.config))
    if plain and all(level.up.kind == "transposed" for level in roles.config.decoder):
        yield Question(
            field="padding",
            answers={"padded": "zeros", "unpadded": "none_stretched", "unpadded_smaller": "none"},
            likeliest="unpadded" if is_unpadded(roles.paths) else "padded",
            usual="padded",
            listed=("padded", "unpadded", "unpadded_smaller"),
        )
    if roles.config.classes > 1:
        yield Question(
            field="ends_with",
            answers=_same("softmax", "sigmoid"),
            likeliest="softmax",
            usual="softmax",
            listed=("softmax", "sigmoid"),
        )


def _blocks(config: UShapeConfig) -> list[BlockConfig]:
    return [*config.encoder, *(level.block for level in config.decoder)]


def configured(config: UShapeConfig, values: Mapping[str, Any]) -> UShapeConfig:
    """The configuration with these answers."""
    values = {field: value for field, value in values.items() if field != "ends_with"}
    if values.get("padding") in ("none", "none_stretched"):
        values["fit"] = "crop"
    if values.get("norm") == "instance":
        config = replace(
            config,
            encoder=tuple(map(_with_norms, config.encoder)),
            decoder=tuple(
                replace(level, block=_with_norms(level.block)) for level in config.decoder
            ),
        )
    return replace(config, **values)


def _with_norms(block: BlockConfig) -> BlockConfig:
    def normed(conv: ConvConfig | None) -> ConvConfig | None:
        return conv and replace(conv, norm=True)

    return replace(
        block,
        convs=tuple(replace(conv, norm=True) for conv in block.convs),
        shortcut=normed(block.shortcut),
        project=normed(block.project),
        down=normed(block.down),
    )

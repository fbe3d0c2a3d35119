"""The U-Nets of LeeJunHyun, bigmb and jvanvugt compute what their code does, at any size."""

from itertools import product

from respelt import wrong
from small_collections import SmallCollectedUNet, SmallJvanvugt

from segdemo.architectures.spellings.u_shape import MAPPINGS
from segdemo.checkpoints import detect

SHAPES = ({}, {"channels": 1, "classes": 3}, {"channels": 4, "classes": 2, "width": 6, "depth": 3})


def test_every_collected_network_and_shape_computes_the_same():
    spellings = {
        ("Conv_1x1", False): "unet_leejunhyun",
        ("Conv_1x1", True): "unet_leejunhyun",
        ("Conv", False): "unet_bigmb",
        ("Conv", True): "unet_bigmb_recurrent",
    }
    cases = {
        f"{head} recurrent={recurrent} attention={attention} {shape}": (
            SmallCollectedUNet(head=head, recurrent=recurrent, attention=attention, **shape),
            spelling,
            16,
        )
        for ((head, recurrent), spelling), attention, shape in product(
            spellings.items(), (False, True), SHAPES
        )
    }
    assert wrong(cases) == {}


def test_every_variant_of_jvanvugt_computes_the_same():
    cases = {}
    for normed, resized, average, shape in product(*[(False, True)] * 3, SHAPES[:2]):
        name = "unet_jvanvugt" + ("" if normed else "_plain")
        name += ("_resized" if resized else "") + ("_average" if average else "")
        network = SmallJvanvugt(normed=normed, resized=resized, average=average, **shape)
        cases[f"{name} {shape}"] = (network, name, 16)
    assert {name.partition(" ")[0] for name in cases} == {
        mapping.id for mapping in MAPPINGS if "jvanvugt" in mapping.id
    }
    assert wrong(cases) == {}


def test_how_it_pools_is_an_alternative():
    detection = detect(SmallJvanvugt().state_dict())
    assert detection.id == "unet_jvanvugt"
    assert [other.id for other in detection.alternatives] == ["unet_jvanvugt_average"]

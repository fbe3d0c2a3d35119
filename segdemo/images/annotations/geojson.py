"""GeoJSON as QuPath writes it: features with a classification, corners of pixels as units."""

from collections.abc import Iterator
from typing import Any

from segdemo.images.annotations.drawing import Annotations, Shape, ring_of

_IGNORED = "*"
"""QuPath leaves out of its measurements what a class whose name ends so covers."""
_GEOMETRIES = ("Polygon", "MultiPolygon", "GeometryCollection")


def is_geojson(document: Any) -> bool:
    """Whether it is a feature, a collection of them, or a list as QuPath 0.2 wrote it."""
    if isinstance(document, list):
        return bool(document) and all(is_geojson(one) for one in document[:3])
    kind = document.get("type") if isinstance(document, dict) else None
    return kind in ("FeatureCollection", "Feature", *_GEOMETRIES)


def read(document: Any) -> Annotations:
    """The areas in the order of the file. Raises ValueError and LookupError."""
    shapes, left_out = [], 0
    for geometry, label in _geometries(document, ""):
        kind = geometry.get("type")
        if kind == "Polygon":
            polygons = [geometry["coordinates"]]
        elif kind == "MultiPolygon":
            polygons = geometry["coordinates"]
        else:
            left_out += 1
            continue
        rings = tuple(ring_of(ring) for polygon in polygons for ring in polygon)
        if rings:
            shapes.append(Shape(label=label, rings=rings, void=label.endswith(_IGNORED)))
    return Annotations(format="GeoJSON", shapes=tuple(shapes), size=None, left_out=left_out)


def _geometries(document: Any, label: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every geometry with the name of its class."""
    waiting = [(document, label)]
    while waiting:
        one, label = waiting.pop(0)
        if isinstance(one, list):
            waiting[:0] = [(inner, label) for inner in one]
        elif one.get("type") == "FeatureCollection":
            waiting[:0] = [(inner, label) for inner in one["features"]]
        elif one.get("type") == "Feature":
            if one.get("geometry"):
                waiting.insert(0, (one["geometry"], _label(one.get("properties") or {})))
        elif one.get("type") == "GeometryCollection":
            waiting[:0] = [(inner, label) for inner in one["geometries"]]
        else:
            yield one, label


def _label(properties: dict[str, Any]) -> str:
    said = properties.get("classification")
    if isinstance(said, dict):
        said = said.get("name") or ": ".join(said.get("names") or [])
    return str(said or "")

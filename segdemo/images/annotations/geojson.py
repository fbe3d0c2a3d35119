"""GeoJSON as QuPath writes it: features with a classification, corners of pixels as units."""

from collections.abc import Iterator
from typing import Any, ClassVar

from segdemo.images.annotations.beside import Beside
from segdemo.images.annotations.shapes import AnnotationFile, Annotations, Shape, ring_of

_IGNORED = "*"
"""QuPath leaves out of its measurements what a class whose name ends so covers."""
_GEOMETRIES = ("Polygon", "MultiPolygon", "GeometryCollection")


class GeoJsonFile(AnnotationFile):
    """The objects of one image."""

    format: ClassVar[str] = "GeoJSON"

    def __init__(self, document: Any) -> None:
        self._document = document

    @staticmethod
    def holds(document: Any) -> bool:
        """Whether it is a feature, a collection of them, or a list as QuPath 0.2 wrote it."""
        if isinstance(document, list):
            return bool(document) and all(
                isinstance(one, dict) and GeoJsonFile.holds(one) for one in document[:3]
            )
        kind = document.get("type") if isinstance(document, dict) else None
        return kind in ("FeatureCollection", "Feature", *_GEOMETRIES)

    def read(self, beside: Beside, *, max_megapixels: float) -> Annotations:
        """The areas in the order of the file; see ``AnnotationFile``."""
        shapes, left_out = [], 0
        for geometry, label in _geometries(self._document):
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
        return Annotations(shapes=tuple(shapes), size=beside.size, left_out=left_out)


def _geometries(document: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Every geometry with the name of its class."""
    waiting = [(document, "")]
    while waiting:
        one, label = waiting.pop()
        if isinstance(one, list):
            waiting.extend((inner, label) for inner in reversed(one))
        elif one.get("type") == "FeatureCollection":
            waiting.append((one["features"], label))
        elif one.get("type") == "Feature":
            if one.get("geometry"):
                waiting.append((one["geometry"], _label(one.get("properties") or {})))
        elif one.get("type") == "GeometryCollection":
            waiting.append((one["geometries"], label))
        else:
            yield one, label


def _label(properties: dict[str, Any]) -> str:
    said = properties.get("classification")
    if isinstance(said, dict):
        said = said.get("name") or ": ".join(said.get("names") or [])
    return str(said or "")

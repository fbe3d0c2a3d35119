import base64
import io
import json
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image

from segdemo.errors import PictureError
from segdemo.images.annotations import beside as beside_module
from segdemo.images.annotations import drawing, shapes
from segdemo.images.annotations.beside import Beside
from segdemo.images.annotations.reading import images_in, is_annotation, is_annotation_file
from segdemo.images.masks import decode_truth, read_data_set

SIZE = (40, 30)
SQUARE = [(4, 6), (20, 6), (20, 16), (4, 16)]


def labelme(*shapes, size=SIZE):
    facts = {"imageWidth": size[0], "imageHeight": size[1], "imagePath": "a.jpg"}
    return json.dumps({"shapes": shapes, **facts}).encode()


def polygon(label, points, kind="polygon", **more):
    return {"label": label, "points": points, "shape_type": kind, **more}


def geojson(*features):
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def feature(name, *rings):
    geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]] for ring in rings]}
    return {
        "type": "Feature",
        "geometry": geometry,
        "properties": {"classification": {"name": name}},
    }


def coco(annotations, images=(("a.jpg", 1),), names=("cat", "dog")):
    return json.dumps(
        {
            "images": [
                {"id": number, "file_name": name, "width": SIZE[0], "height": SIZE[1]}
                for name, number in images
            ],
            "annotations": [
                {"image_id": 1, "category_id": 1, **annotation} for annotation in annotations
            ],
            "categories": [{"id": number + 1, "name": name} for number, name in enumerate(names)],
        }
    ).encode()


def cvat(inside, images=""):
    labels = "<labels><label><name>cat</name></label><label><name>dog</name></label></labels>"
    own = f'<image id="0" name="d/a.jpg" width="40" height="30">{inside}</image>'
    text = f'<?xml version="1.0"?><annotations><meta>{labels}</meta>{own}{images}</annotations>'
    return text.encode()


def drawn(content, **beside):
    return decode_truth(content, max_megapixels=1, beside=Beside(**{"size": SIZE, **beside}))


def expected(rows, columns, label=1):
    labels = np.zeros(SIZE[::-1], np.uint8)
    labels[rows, columns] = label
    return labels


INSIDE, WITH_OUTLINE = (slice(6, 16), slice(4, 20)), (slice(6, 17), slice(4, 21))


def test_one_square_is_drawn_as_the_program_of_each_format_draws_it():
    normalised = " ".join(f"{x / SIZE[0]} {y / SIZE[1]}" for x, y in SQUARE)
    points = ";".join(f"{x},{y}" for x, y in SQUARE)
    files = {
        "LabelMe polygon": (labelme(polygon("a", SQUARE)), WITH_OUTLINE),
        "LabelMe box": (labelme(polygon("a", [SQUARE[2], SQUARE[0]], "rectangle")), WITH_OUTLINE),
        "YOLO": (f"0 {normalised}\n".encode(), WITH_OUTLINE),
        "YOLO box": (b"0 0.30001 0.36667 0.4 0.33333", WITH_OUTLINE),
        "QuPath": (geojson(feature("a", SQUARE)), INSIDE),
        "CVAT": (cvat(f'<polygon label="cat" points="{points}"/>'), INSIDE),
        "CVAT box": (cvat('<box label="cat" xtl="4" ytl="6" xbr="20" ybr="16"/>'), INSIDE),
    }
    wrong = [
        name
        for name, (content, where) in files.items()
        if not np.array_equal(drawn(content).labels, expected(*where))
    ]
    assert not wrong


def test_coco_is_drawn_by_pycocotools():
    masks = pytest.importorskip("pycocotools.mask")
    bits = np.zeros(SIZE[::-1], np.uint8)
    bits[3:9, 5:30] = 1
    packed = masks.encode(np.asfortranarray(bits))
    runs = np.diff([0, *np.flatnonzero(np.diff(bits.ravel(order="F"))) + 1, bits.size]).tolist()
    size = [SIZE[1], SIZE[0]]
    triangle = [4.5, 6.0, 33.2, 9.9, 12.0, 28.4]
    polygons = masks.merge(masks.frPyObjects([triangle], *size))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of pycocotools about NumPy 2
        polygon_bits = masks.decode(polygons)
    expectations = {
        "packed": ({"size": size, "counts": packed["counts"].decode()}, bits),
        "runs": ({"size": size, "counts": runs}, bits),
        "polygon": ([triangle], polygon_bits),
    }
    wrong = [
        name
        for name, (said, labels) in expectations.items()
        if not np.array_equal(drawn(coco([{"segmentation": said}])).labels, labels)
    ]
    assert not wrong


def test_regions_of_imagej_are_read_alone_and_in_an_archive():
    tool = pytest.importorskip("roifile")
    region = tool.ImagejRoi.frompoints(np.array(SQUARE, float)).tobytes()
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("0001.roi", region)
        archived = buffer.getvalue()
    for content in (region, archived):
        np.testing.assert_array_equal(drawn(content).labels, expected(*INSIDE))


def test_holes_circles_masks_and_what_says_nothing():
    hole = [(8, 8), (12, 8), (12, 12), (8, 12)]
    with_hole = expected(*INSIDE)
    with_hole[8:12, 8:12] = 0
    np.testing.assert_array_equal(drawn(geojson(feature("a", SQUARE, hole))).labels, with_hole)
    circle = drawn(labelme(polygon("a", [(20, 15), (25, 15)], "circle"))).labels
    assert circle[15, 25] == circle[10, 20] == 1
    assert circle[10, 25] == 0
    with io.BytesIO() as buffer:
        Image.fromarray(np.array([[0, 255], [255, 255]], np.uint8)).save(buffer, format="PNG")
        encoded = base64.b64encode(buffer.getvalue()).decode()
    pasted = drawn(labelme(polygon("a", [(3, 2), (4, 3)], "mask", mask=encoded))).labels
    assert pasted[2:4, 3:5].tolist() == [[0, 1], [1, 1]]
    assert pasted.sum() == 3
    for content in (
        labelme(polygon("a", SQUARE), polygon("__ignore__", SQUARE)),
        geojson(feature("a", SQUARE), feature("Ignore*", SQUARE)),
    ):
        assert drawn(content).labels[10, 10] == 255
    runs = drawn(cvat('<mask label="dog" left="2" top="5" width="4" height="2" rle="2,3,3"/>'))
    assert runs.labels[5:7, 2:6].tolist() == [[0, 0, 2, 2], [2, 0, 0, 0]]


def test_a_file_about_many_images_is_searched_by_the_name_of_the_picture():
    pytest.importorskip("pycocotools")
    images = (("b.png", 2), ("folder/a.png", 1))
    content = coco([{"bbox": [4, 6, 16, 10]}], images=images)
    assert drawn(content, name="a.jpg").numbers == (0, 1)
    assert drawn(content, name="b.png").numbers == (0,)
    with pytest.raises(PictureError, match=r"other images than “c.jpg”: b.png, folder/a.png"):
        drawn(content, name="c.jpg")


def test_classes_have_one_number_in_all_files_of_a_data_set():
    files = [
        labelme(polygon("cat", SQUARE)),
        labelme(polygon("dog", SQUARE)),
        labelme(polygon("dog", SQUARE), polygon("cat", [(25, 3), (35, 3), (35, 20)])),
    ]
    data_set = read_data_set([lambda one=one: one for one in files], max_megapixels=1)
    found = [data_set.read(one, max_megapixels=1, beside=Beside(size=SIZE)) for one in files]
    assert [mask.numbers for mask in found] == [(0, 1), (0, 2), (0, 1, 2)]
    assert found[2].notices[0].message() == (
        "Drawn from LabelMe annotations; the classes are numbered 1 = cat, 2 = dog."
    )


def test_what_has_no_area_is_counted():
    mask = drawn(labelme(polygon("a", SQUARE), polygon("b", [(3, 3)], "point")))
    assert [notice.key for notice in mask.notices] == ["annotation_left_out"]


def test_damaged_and_endless_files_are_one_sentence(monkeypatch):
    monkeypatch.setattr(shapes, "MAX_SHAPES", 2)
    triangle = [(1, 1), (9, 1), (9, 9)]
    files = {
        "annotation_damaged": [
            labelme(polygon("a", [(1, 1), (2, 2)])),
            labelme(polygon("a", [(1, 1), (2, 1e99), (3, 3)])),
            labelme(polygon("a", [(1, 1), (2, float("nan")), (3, 3)])),
            geojson({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": "x"}}),
            cvat('<polygon label="cat" points="1,1;2"/>'),
            cvat('<mask label="dog" left="2" top="5" width="4" height="2" rle="2,999"/>'),
            b"<annotations><image",
            b'<?xml version="1.0"?><annotations><!ENTITY a "b"></annotations>',
            b'{"images": [], "annotations": []}',
        ],
        "annotation_endless": [labelme(*[polygon("a", triangle)] * 3)],
        "picture_too_large": [labelme(size=(90_000, 90_000))],
    }
    monkeypatch.setattr(shapes, "MAX_POINTS", 8)
    wrong = []
    for key, contents in files.items():
        for content in contents:
            with pytest.raises(PictureError) as caught:
                drawn(content)
            if caught.value.key != key:
                wrong.append((key, content[:60], caught.value.key))
    assert not wrong


def test_other_texts_are_no_annotations():
    others = (b"{}", b'{"a": 1}', b"[1, 2]", b"[[[[", b"1 2 3", b"0.5 1 2 3 4", b"", b"<svg/>")
    assert not [content for content in others if is_annotation(content)]


def test_more_classes_than_labels_are_one_sentence(monkeypatch):
    monkeypatch.setattr(beside_module, "MAX_CLASSES", 2)
    with pytest.raises(PictureError, match="more than 2 classes"):
        drawn(labelme(*(polygon(name, SQUARE) for name in "abc")))


def test_of_more_classes_than_labels_those_count_that_occur():
    pytest.importorskip("pycocotools")
    names = [str(number) for number in range(1203)]  # as in LVIS
    annotations = [{"bbox": [4, 6, 16, 10], "category_id": 1001}]
    mask = drawn(coco(annotations, names=names))
    assert mask.numbers == (0, 1)


def test_a_class_that_is_nowhere_on_top_in_the_survey_has_its_label():
    below = labelme(polygon("cat", SQUARE), polygon("dog", SQUARE))
    above = labelme(polygon("cat", SQUARE))
    data_set = read_data_set([lambda: below, lambda: above], max_megapixels=1)
    found = [
        data_set.read(one, max_megapixels=1, beside=Beside(size=SIZE)) for one in (above, below)
    ]
    assert [mask.numbers for mask in found] == [(0, 1), (0, 2)]


def test_a_size_that_nobody_says_is_asked_for():
    for content in (b"0 0.1 0.1 0.5 0.1 0.5 0.5", geojson(feature("a", SQUARE))):
        with pytest.raises(PictureError, match="do not say how large their image is"):
            decode_truth(content, max_megapixels=1)


def test_what_would_take_minutes_to_draw_is_refused(monkeypatch):
    monkeypatch.setattr(drawing, "MOST_STEPS", 1000)
    zigzag = [(x, y) for x in range(40) for y in (0, 29)]
    for content in (labelme(polygon("a", zigzag)), geojson(feature("a", zigzag))):
        with pytest.raises(PictureError) as caught:
            drawn(content)
        assert caught.value.key == "annotation_endless"


def test_coordinates_far_outside_cost_no_memory():
    far = [(-9e5, -9e5), (9e5, -9e5), (9e5, 9e5), (-9e5, 9e5)]
    for content in (labelme(polygon("a", far)), geojson(feature("a", far))):
        assert drawn(content).labels.min() == 1


def test_rings_are_filled_as_their_definition_says():
    generator = np.random.default_rng(3)
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    for _ in range(20):
        ring = generator.uniform(-10, 50, (9, 2))
        inside = np.zeros(SIZE[::-1], bool)
        for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            crosses = (y0 <= y) != (y1 <= y)
            inside ^= crosses & (x0 + (y - y0) / (y1 - y0) * (x1 - x0) <= x)
        found = drawn(geojson(feature("a", ring.tolist()))).labels
        np.testing.assert_array_equal(found, inside)


def test_a_large_polygon_is_filled_in_strips_as_in_one(monkeypatch):
    content = geojson(feature("a", [(3.2, 1.1), (37.4, 9.9), (12.0, 28.4)]))
    whole = drawn(content).labels
    monkeypatch.setattr(drawing, "_STRIP", 100)
    np.testing.assert_array_equal(drawn(content).labels, whole)


def test_run_lengths_that_lie_are_damage():
    pytest.importorskip("pycocotools")
    for counts in (
        "",
        "_",
        "o",
        "0" * 9000,
        "\xff",
        [5],
        [-1, 1201],
        [2**62, 2**62, 1200],
        "PPPPPPPPPPPPPP",
    ):
        said = {"size": [SIZE[1], SIZE[0]], "counts": counts}
        with pytest.raises(PictureError) as caught:
            drawn(coco([{"segmentation": said}]))
        assert caught.value.key == "annotation_damaged", counts


def test_a_file_knows_of_how_many_images_it_speaks(tmp_path):
    two = coco([], images=(("a.jpg", 1), ("b.jpg", 2)))
    assert [images_in(one) for one in (two, labelme(), b"no annotations")] == [2, 1, 0]
    path = tmp_path / "RoiSet.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.roi", b"Iout")
    assert is_annotation_file(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.png", b"")
    assert not is_annotation_file(path)


def test_many_comments_before_the_root_of_an_xml_file_take_no_time():
    assert not is_annotation(b"<!---->" * 2000 + b"<svg/>")
    assert is_annotation(b"<!-- a -->\n" * 2000 + b"<annotations/>")


def test_what_lies_outside_of_the_image_counts_as_well():
    pytest.importorskip("pycocotools")
    far = [-9e5, -9e5, 9e5, -9e5, 9e5, 9e5, -9e5, 9e5]
    circle = polygon("a", [(0, 0), (9e5, 0)], "circle")
    for content in (coco([{"segmentation": [far]}] * 30), labelme(*[circle] * 150)):
        with pytest.raises(PictureError) as caught:
            drawn(content)
        assert caught.value.key == "annotation_endless"


def test_a_line_among_polygons_is_left_out():
    pytest.importorskip("pycocotools")
    square = [number for point in SQUARE for number in point]
    mask = drawn(coco([{"segmentation": [[1, 1, 5, 5]]}, {"segmentation": [square, [1, 1, 2, 2]]}]))
    assert mask.numbers == (0, 1)
    assert [notice.key for notice in mask.notices] == ["annotation_left_out"]


def test_a_name_of_two_images_is_nobodys():
    images = (("train/a.jpg", 1), ("val/a.jpg", 2))
    with pytest.raises(PictureError, match="Several images of the annotations are called"):
        drawn(coco([], images=images), name="a.jpg")

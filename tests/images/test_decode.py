"""Pictures in: every kind of file comes out upright and RGB, or says in a sentence why not."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from segdemo.errors import PictureError
from segdemo.images.decode import MAX_ASPECT, MIN_SIDE, decode, is_plain_jpeg
from segdemo.strings import text
from tests.table import every

LIMIT = 40.0
WIDTH, HEIGHT = 48, 32

ORIENTATION = 0x0112
# What a camera stores when the scene is `upright` and it writes the orientation into EXIF.
STORED = {
    1: lambda upright: upright,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright, 2).swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


def scene():
    """Red left, green right, a blue bar at the top: no flip and no turn leaves it as it is."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels[:, : WIDTH // 2] = (200, 0, 0)
    pixels[:, WIDTH // 2 :] = (0, 200, 0)
    pixels[: HEIGHT // 4] = (0, 0, 200)
    return pixels


def encoded(picture, kind="PNG", **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def read(source):
    """The pixels (H, W, 3) after the checks that hold for every picture."""
    picture = decode(source, max_megapixels=LIMIT)
    assert picture.mode == "RGB"
    assert not picture.info
    return np.asarray(picture)


def refusal(source, max_megapixels=LIMIT):
    with pytest.raises(PictureError) as caught:
        decode(source, max_megapixels=max_megapixels)
    return caught.value.key


def png(width, height, *chunks, bits=8, colour=0):
    """A PNG by hand, of a size that nobody wants to encode; ``chunks`` stand after the header."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    body = b"".join(chunk(name, data) for name, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b"")


@every("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM", "JPEG2000"])
def test_every_format_is_read(kind):
    Image.init()
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow has no {kind}")
    pixels = read(encoded(Image.fromarray(scene()), kind))
    assert np.abs(pixels.astype(int) - scene())[2:-2, 2:-2].mean() < 6


def test_bytes_a_path_and_a_picture_give_the_same(tmp_path):
    content = encoded(Image.fromarray(scene()))
    path = tmp_path / "scene.png"
    path.write_bytes(content)
    with Image.open(path) as picture:
        for source in (content, path, picture):
            np.testing.assert_array_equal(read(source), scene())


@every("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@every("orientation", range(1, 9))
def test_a_turned_photo_comes_out_upright(kind, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](scene())))
    content = encoded(stored, kind, exif=exif.tobytes() if kind != "TIFF" else exif)
    pixels = read(content)
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert pixels[HEIGHT // 2, 4].argmax() == 0
    assert pixels[HEIGHT // 2, -4].argmax() == 1
    assert pixels[2, WIDTH // 4].argmax() == 2


def test_decoding_twice_turns_once():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    once = decode(encoded(Image.fromarray(scene()), "JPEG", exif=exif), max_megapixels=LIMIT)
    twice = decode(once, max_megapixels=LIMIT)
    np.testing.assert_array_equal(np.asarray(once), np.asarray(twice))


def test_the_given_picture_stays_as_it_is():
    given = Image.fromarray(scene())
    given.info["note"] = "mine"
    decoded = decode(given, max_megapixels=LIMIT)
    decoded.paste((0, 0, 0), (0, 0, WIDTH, HEIGHT))
    assert given.info == {"note": "mine"}
    np.testing.assert_array_equal(np.asarray(given), scene())


def test_damaged_exif_is_ignored():
    content = encoded(Image.fromarray(scene()), exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    np.testing.assert_array_equal(read(content), scene())


def transparent(mode):
    """Hidden red under full transparency, half black, opaque black, in three columns."""
    layer = Image.new("RGBA", (WIDTH, HEIGHT), (255, 0, 0, 0))
    layer.paste((0, 0, 0, 128), (16, 0, 32, HEIGHT))
    layer.paste((0, 0, 0, 255), (32, 0, 48, HEIGHT))
    return layer.convert(mode)


@every("mode", ["RGBA", "LA"])
@every("kind", ["PNG", "TIFF", "WEBP"])
def test_transparency_lies_over_white(mode, kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = read(encoded(transparent(mode), kind, **options))
    assert (pixels[:, :16] == 255).all()
    assert (np.abs(pixels[:, 16:32].astype(int) - 127) <= 1).all()
    assert (pixels[:, 32:] == 0).all()


def test_a_transparent_palette_entry_is_white():
    picture = Image.new("P", (WIDTH, HEIGHT), 0)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.paste(1, (24, 0, WIDTH, HEIGHT))
    for content in (
        encoded(picture, "PNG", transparency=0),
        encoded(picture, "PNG", transparency=b"\x00\xff"),
        encoded(picture, "GIF", transparency=0),
    ):
        pixels = read(content)
        assert (pixels[:, :24] == 255).all()
        assert (pixels[:, 24:] == (0, 0, 255)).all()


def test_a_transparent_colour_is_white():
    content = encoded(Image.fromarray(scene()), transparency=(200, 0, 0))
    pixels = read(content)
    assert (pixels[HEIGHT // 2, 4] == 255).all()
    assert (pixels[HEIGHT // 2, -4] == (0, 200, 0)).all()


@every("mode", ["1", "L", "P"])
def test_simple_modes_become_rgb(mode):
    grey = Image.fromarray(
        np.repeat(np.where(np.arange(WIDTH) < 24, 0, 255), HEIGHT)
        .reshape(WIDTH, HEIGHT)
        .T.astype(np.uint8)
    )
    pixels = read(encoded(grey.convert(mode)))
    assert (pixels[:, :24] == 0).all()
    assert (pixels[:, 24:] == 255).all()


def ramp(low, high, dtype):
    return np.linspace(low, high, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(dtype)


def png16(values):
    """A 16-bit grey PNG as another program writes it."""
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in values)
    return png(WIDTH, HEIGHT, (b"IDAT", zlib.compress(rows)), bits=16)


DEEP = {
    "16-bit PNG": lambda: png16(ramp(0, 65535, np.uint16)),
    "12-bit data in a 16-bit PNG": lambda: png16(ramp(0, 4095, np.uint16)),
    "12-bit data in a 16-bit TIFF": lambda: encoded(
        Image.fromarray(ramp(0, 4095, np.uint16)), "TIFF"
    ),
    "I;16B": lambda: Image.frombytes("I;16B", (WIDTH, HEIGHT), ramp(0, 65535, ">u2").tobytes()),
    "32-bit integers": lambda: encoded(Image.fromarray(ramp(-70000, 70000, np.int32)), "TIFF"),
    "float in [0, 1]": lambda: encoded(Image.fromarray(ramp(0, 1, np.float32)), "TIFF"),
    "float far from [0, 1]": lambda: encoded(
        Image.fromarray(ramp(-1000, 3000, np.float32)), "TIFF"
    ),
}


@every("kind", DEEP)
def test_more_than_8_bits_keep_their_contrast(kind):
    grey = read(DEEP[kind]())[..., 0].ravel().astype(int)
    assert (np.diff(grey) >= 0).all()
    assert np.abs(grey - np.linspace(0, 255, grey.size)).max() < 4
    assert (grey == 255).mean() < 0.02


def test_one_hot_pixel_does_not_darken_the_picture():
    values = ramp(100, 4000, np.uint16)
    values[5, 5] = 65535
    assert 110 < np.median(read(png16(values))) < 145


def test_a_few_spots_on_an_even_ground_stay_visible():
    values = np.full((HEIGHT, WIDTH), 300, dtype=np.uint16)
    values[4:6, 4] = 900
    grey = read(png16(values))[..., 0]
    assert (grey == 255).sum() == 2
    assert (grey == 0).sum() == grey.size - 2


@every("value", [0, 700, 65535])
def test_a_constant_deep_picture_is_an_even_grey(value):
    grey = read(png16(np.full((HEIGHT, WIDTH), value, dtype=np.uint16)))
    assert (grey == 128).all()


def test_what_is_no_number_is_black():
    values = ramp(0, 1, np.float32)
    values[0, 0], values[-1, -1] = np.nan, np.inf
    grey = read(encoded(Image.fromarray(values), "TIFF"))[..., 0]
    assert grey[0, 0] == 0
    assert grey[-1, -1] == 255
    assert (read(Image.fromarray(np.full_like(values, np.nan))) == 128).all()


@every("kind", ["JPEG", "TIFF"])
def test_print_colours_are_not_inverted(kind):
    # Pillow writes JPEG as Adobe does: an Adobe marker, and the inks inverted.
    content = encoded(Image.fromarray(scene()).convert("CMYK"), kind)
    if kind == "JPEG":
        assert b"Adobe" in content
    assert np.abs(read(content).astype(int) - scene())[:, 4:20].mean() < 6


def animation(kind):
    frames = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)


@every("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_stands_for_an_animation(kind):
    content = animation(kind)
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.n_frames == 3
    assert (read(content) == (255, 0, 0)).all()


def swapped_profile():
    """sRGB with the matrix columns of red and blue exchanged, under another name."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * profile[131], 12)}
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    profile[red + 4 : red + 12], profile[blue + 4 : blue + 12] = (
        profile[blue + 4 : blue + 12],
        profile[red + 4 : red + 12],
    )
    name = "sRGB"
    for coding in ("utf-16-be", "ascii"):
        profile = profile.replace(name.encode(coding), "test".encode(coding))
    return bytes(profile)


@every("mode", ["RGB", "RGBA"])
def test_an_embedded_profile_is_converted(mode):
    content = encoded(Image.fromarray(scene()).convert(mode), icc_profile=swapped_profile())
    pixels = read(content)
    assert pixels[HEIGHT // 2, 4].argmax() == 2
    assert pixels[2, 4].argmax() == 0


@every("profile", [b"no profile at all", swapped_profile()[:200]])
def test_a_broken_profile_is_ignored(profile):
    content = encoded(Image.fromarray(scene()), icc_profile=profile)
    np.testing.assert_array_equal(read(content), scene())


def test_a_profile_of_another_colour_space_is_ignored():
    grey = Image.new("L", (WIDTH, HEIGHT), 77)
    assert (read(encoded(grey, icc_profile=swapped_profile())) == 77).all()


@every(("width", "height"), [(30_000, 30_000), (12_000, 12_000), (8000, 5001)])
def test_the_size_is_refused_before_a_pixel_is_decoded(width, height):
    # There is no pixel in these files: decoding one would fail in another way.
    assert refusal(png(width, height)) == "picture_too_large"


def test_a_compressed_bomb_is_refused_from_its_header():
    bomb = zlib.compress(bytes(10_000) * 10_000, 9)
    assert refusal(png(10_000, 10_000, (b"IDAT", bomb))) == "picture_too_large"


def test_the_limit_itself_is_allowed():
    picture = Image.new("L", (1000, 500))
    decode(picture, max_megapixels=0.5)
    assert refusal(picture, max_megapixels=0.4999) == "picture_too_large"


def test_a_refused_size_is_told_with_the_limit():
    with pytest.raises(PictureError, match=r"has 900 megapixels; the limit is 40\."):
        decode(png(30_000, 30_000), max_megapixels=40.0)
    with pytest.raises(PictureError, match=r"has 40\.1 megapixels; the limit is 40\."):
        decode(png(8000, 5001), max_megapixels=40.0)


def test_too_small_and_too_narrow_are_refused():
    assert refusal(Image.new("RGB", (MIN_SIDE - 1, 100))) == "picture_too_small"
    assert refusal(Image.new("RGB", (1, 1))) == "picture_too_small"
    assert refusal(Image.new("RGB", (100_000, 1))) == "picture_too_small"
    assert refusal(Image.new("RGB", (MIN_SIDE * MAX_ASPECT + 1, MIN_SIDE))) == "picture_too_narrow"
    decode(Image.new("RGB", (MIN_SIDE * MAX_ASPECT, MIN_SIDE)), max_megapixels=LIMIT)


@every("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
@every("share", [0.02, 0.3, 0.9])
def test_a_truncated_file_says_so(kind, share):
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    assert refusal(content[: int(len(content) * share)]) == "picture_incomplete"


def text_bomb():
    return png(WIDTH, HEIGHT, (b"zTXt", b"note\x00\x00" + zlib.compress(bytes(70_000_000))))


def float_rgb_tiff():
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.zeros((HEIGHT, WIDTH, 3), dtype=np.float32), photometric="rgb")
    return stream.getvalue()


LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>'

BAD_FILES = {
    "empty": (b"", "picture_empty"),
    "HTML as PNG": (b"\n<!DOCTYPE html><html><body>404</body></html>", "picture_html"),
    "HTML with a picture inside": (b"<html>" + SVG, "picture_html"),
    "SVG": (SVG, "picture_svg"),
    "SVG with a prologue": (b'<?xml version="1.0"?>\n<!-- by hand -->' + SVG, "picture_svg"),
    "PDF": (b"%PDF-1.7\n", "picture_pdf"),
    "MetaImage": (b"ObjectType = Image\nNDims = 3\n" + bytes(60), "picture_metaimage"),
    "Git LFS pointer": (LFS_POINTER, "picture_pointer"),
    "text": (b"width,height\n1,2\n", "picture_unknown"),
    "zip": (b"PK\x03\x04" + bytes(40), "picture_unknown"),
    "EPS, which Pillow would hand to a program": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "picture_unknown"),
    "an icon, which Pillow could read": (
        encoded(Image.new("RGB", (32, 32)), "ICO"),
        "picture_unknown",
    ),
    "PNG of no width": (png(0, 10), "picture_incomplete"),
    "PNG without pixels": (png(64, 64), "picture_incomplete"),
    "TIFF whose pixels are cut off": (float_rgb_tiff()[:-9], "picture_incomplete"),
    "text bomb": (text_bomb(), "picture_metadata"),
}


@every("name", BAD_FILES)
def test_a_bad_file_is_one_clear_sentence(name):
    content, key = BAD_FILES[name]
    assert refusal(content) == key


def test_a_missing_file_is_a_sentence(tmp_path):
    assert refusal(tmp_path / "nowhere.png") == "picture_missing"
    assert refusal(tmp_path) == "picture_missing"


def test_a_sentence_never_quotes_pillow():
    with pytest.raises(PictureError) as caught:
        decode(encoded(Image.fromarray(scene()))[:60], max_megapixels=LIMIT)
    assert str(caught.value) == text("picture_incomplete")


def test_odd_pictures_raise_no_warning():
    bombs = [png(12_000, 9_000), encoded(Image.fromarray(scene()), exif=b"Exif\0\0MM")]
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        for content in bombs:
            try:
                decode(content, max_megapixels=LIMIT)
            except PictureError:
                continue
    assert not raised


def test_a_large_photo_fits_into_the_limit():
    photo = encoded(Image.new("RGB", (4000, 3000), "navy"), "JPEG")
    assert decode(photo, max_megapixels=LIMIT).size == (4000, 3000)


def exif(orientation=1):
    found = Image.Exif()
    found[0x0112] = orientation
    return found.tobytes()


@every(
    ("kind", "mode", "options", "plain"),
    [
        ("JPEG", "RGB", {}, True),
        ("JPEG", "L", {"progressive": True}, True),
        ("JPEG", "CMYK", {}, False),
        ("JPEG", "RGB", {"exif": exif(6)}, False),
        ("JPEG", "RGB", {"exif": exif()}, False),
        ("JPEG", "RGB", {"comment": b"where it was taken"}, False),
        ("JPEG", "RGB", {"xmp": b"<x:xmpmeta/>"}, False),
        ("JPEG", "RGB", {"icc_profile": b"profile"}, False),
        ("MPO", "RGB", {"save_all": True, "append_images": [Image.new("RGB", (64, 48))]}, False),
        ("PNG", "RGB", {}, False),
    ],
)
def test_a_jpeg_is_plain_if_it_shows_the_same_everywhere_and_says_nothing_else(
    tmp_path, kind, mode, options, plain
):
    path = tmp_path / "picture"
    path.write_bytes(encoded(Image.fromarray(scene()).convert(mode), kind, **options))
    assert is_plain_jpeg(path) is plain

"""What a network may need stays below the limit of the container, which kills without a word."""

from segdemo.engine.container import within_container
from tests.table import every


@every(
    ("files", "megabytes"),
    [
        ({}, 4096),
        ({"memory.max": "max\n", "memory.current": "1000\n"}, 4096),
        ({"memory.max": f"{2**31}\n", "memory.current": f"{2**30}\n"}, 819),
        ({"memory.max": f"{2**40}\n", "memory.current": f"{2**30}\n"}, 4096),
        ({"memory.max": "1000\n", "memory.current": "2000\n"}, 128),
        (
            {
                "memory/memory.limit_in_bytes": f"{2**31}\n",
                "memory/memory.usage_in_bytes": f"{2**30}\n",
            },
            819,
        ),
        (
            {
                "memory/memory.limit_in_bytes": "9223372036854771712\n",
                "memory/memory.usage_in_bytes": "1\n",
            },
            4096,
        ),
    ],
)
def test_the_control_group_is_asked_in_both_versions(tmp_path, files, megabytes):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert within_container(4096, tmp_path) == megabytes

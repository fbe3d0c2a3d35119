"""What a network may need stays below the limit of the container, which kills without a word."""

from segdemo.engine.container import cores_of_container, within_container
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


def test_a_quota_of_time_is_so_many_cores_rounded_up(tmp_path):
    def cores(**files):
        root = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, text in files.items():
            path = root / name.replace("_of_", "/cpu.").replace("cpumax", "cpu.max")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="ascii")
        return cores_of_container(16, root)

    assert cores(cpumax="200000 100000\n") == 2
    assert cores(cpumax="150000 100000\n") == 2
    assert cores(cpumax="50000 100000\n") == 1
    assert cores(cpumax="max 100000\n") == 16
    assert cores(cpumax="3200000 100000\n") == 16
    assert cores(cpumax="nonsense\n") == 16
    assert cores(cpu_of_cfs_quota_us="400000\n", cpu_of_cfs_period_us="100000\n") == 4
    assert cores(cpu_of_cfs_quota_us="-1\n", cpu_of_cfs_period_us="100000\n") == 16
    assert cores_of_container(3, tmp_path / "absent") == 3

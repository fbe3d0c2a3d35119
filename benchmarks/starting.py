"""The app's start in a process of its own, step by step: prints their seconds as JSON.

`python -m benchmarks.starting TIME`, the time at which the process was asked for.
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module

_OF_THE_HUB = ("HfApi", "InferenceClient", "get_token", "whoami")
"""What Gradio imports of it."""


def main() -> None:
    """The steps of app.py in its order, so that nothing is imported here before its time."""
    asked = float(sys.argv[1])
    marks = [("Python", time.time() - asked, time.process_time())]

    def step(name: str, run: Callable[[], object]) -> object:
        start, start_cpu = time.perf_counter(), time.process_time()
        answer = run()
        taken = time.perf_counter() - start, time.process_time() - start_cpu
        marks.append((name, *taken))
        return answer

    step("import torch", lambda: import_module("torch"))
    hub = import_module("huggingface_hub")  # which imports what is asked for, and nothing before
    step("import huggingface_hub", lambda: [getattr(hub, name) for name in _OF_THE_HUB])
    step("import gradio", lambda: import_module("gradio"))
    page = step("the other imports", lambda: import_module("segdemo.ui"))
    demo = step("building the page", page.create_demo)
    options = {**page.launch_options(), "prevent_thread_lock": True, "quiet": True}
    with redirect_stdout(sys.stderr):  # Gradio greets on stdout
        step("listening", lambda: demo.launch(**options))
        demo.close()
    print(json.dumps(marks))


if __name__ == "__main__":
    main()

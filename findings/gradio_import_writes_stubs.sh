#!/usr/bin/env bash
# Gradio 6.31.0: an import writes into the installation, and spends two fifths of its time on it.
#
# Expected: `import gradio` reads its own installation. Behaviour: for every component class, those
# of users included, gradio/component_meta.py (create_or_modify_pyi) parses the source of the class,
# fills a template with its events and writes a .pyi stub beside the source wherever that is missing
# or differs. So files that were deleted come back, a file appears beside any module of one's own
# that derives from a component, and all of it is parsed and rendered again at each import although
# only editors read it. The share of the import's time is printed, not checked.
#
# Fails when an import no longer does this.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet gradio==6.31.0
cat > "$folder/own_component.py" <<'PY'
import gradio as gr


class Own(gr.HTML):
    EVENTS = ["click"]
PY
cat > "$folder/import_once.py" <<'PY'
import importlib.abc
import importlib.machinery
import json
import sys
import time

spent = {"calls": 0, "seconds": 0.0}


class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "gradio.component_meta":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        run = spec.loader.exec_module

        def watched(module):
            run(module)
            write = module.create_or_modify_pyi

            def timed(*facts):
                start = time.process_time()
                write(*facts)
                spent["calls"] += 1
                spent["seconds"] += time.process_time() - start

            module.create_or_modify_pyi = timed

        spec.loader.exec_module = watched
        return spec


sys.meta_path.insert(0, Watch())
start = time.process_time()
import gradio

print(json.dumps({"calls": spent["calls"], "share": spent["seconds"] / (time.process_time() - start),
                  "version": gradio.__version__}))
import own_component
PY
cd "$folder"
export GRADIO_ANALYTICS_ENABLED=False
"$folder/venv/bin/python" import_once.py > /dev/null
site="$("$folder/venv/bin/python" -c 'import gradio, os; print(os.path.dirname(gradio.__file__))')"
find "$site/components" -name '*.pyi' -delete
rm -f own_component.pyi
told="$("$folder/venv/bin/python" import_once.py)"
written="$(find "$site/components" -name '*.pyi' | wc -l)"
echo "one import: $told; stubs written into the installation: $written"
test "$written" -gt 30 || { echo "the installation is left alone now"; exit 1; }
test -f own_component.pyi || { echo "no stub beside a component of one's own now"; exit 1; }
echo "as described"

"""Records one scene of `cargo xtask scenes --real`.

usage: lab.py DIR GROUP SCENE   as the first process of fresh namespaces, see network.py

DIR gets SCENE.pcap and SCENE.truth.json: what must be said, of whom and within which time, who else is part of it, notes.
GROUP is the module that has the scene's function: `R-16-sweep` is `sweep` there.
"""

import importlib
import json
import os
import pathlib
import sys

from network import Failed, Lab


def main():
    folder, group, scene = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
    try:
        lab = Lab(folder, scene)
        getattr(importlib.import_module(group), scene.split("-", 2)[2].replace("-", "_"))(lab)
    except Failed as e:
        raise SystemExit(f"{scene}: {e}") from e
    truth = {"expected": lab.expected, "involved": sorted(lab.involved), "notes": lab.notes}
    (folder / f"{scene}.truth.json").write_text(json.dumps(truth, indent=1))
    # Servers end with the namespaces.


main()

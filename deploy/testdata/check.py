"""Checks Kubernetes manifests against the schemas of Kubernetes.

Prints each document that has no schema there as one line of JSON, for others to check,
and each container's arguments.
"""
import json
import sys

import kubernetes_validate
import yaml

bad = 0
for name in sys.argv[1:]:
    with open(name) as f:
        for doc in yaml.safe_load_all(f):
            what = f"{name}: {doc['kind']} {doc['metadata']['name']}"
            if doc["apiVersion"].startswith("keda.sh/"):
                print(json.dumps({"keda": doc}))
                continue
            try:
                kubernetes_validate.validate(doc, kubernetes_validate.latest_version(), strict=True)
            except kubernetes_validate.ValidationError as e:
                bad += 1
                print(f"{what}: {e.message}", file=sys.stderr)
            for c in doc.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
                print(json.dumps({"args": c.get("args", []), "security": c.get("securityContext", {})}))
sys.exit(bad > 0)

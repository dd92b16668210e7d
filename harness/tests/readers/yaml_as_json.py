"""Prints a YAML file as JSON."""

import json
import sys

from ruamel.yaml import YAML

json.dump(YAML(typ="safe", pure=True).load(open(sys.argv[1])), sys.stdout)

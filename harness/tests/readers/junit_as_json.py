"""Reads a junit.xml with junitparser, and prints what it has understood as JSON."""

import json
import sys

from junitparser import JUnitXml


def outcome(result):
    return {"is": type(result).__name__, "type": result.type, "message": result.message, "text": result.text}


def case(case):
    return {
        "name": case.name,
        "classname": case.classname,
        "time": case.time,
        "results": [outcome(result) for result in case.result],
        "system_out": case.system_out,
    }


def suite(suite):
    return {
        "name": suite.name,
        "tests": suite.tests,
        "failures": suite.failures,
        "errors": suite.errors,
        "hostname": suite.hostname,
        "properties": {one.name: one.value for one in suite.properties()},
        "cases": [case(one) for one in suite],
    }


json.dump([suite(one) for one in JUnitXml.fromfile(sys.argv[1])], sys.stdout)

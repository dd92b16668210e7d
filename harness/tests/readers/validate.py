"""Validates an XML file against an XML Schema; prints what is wrong with it."""

import sys

from lxml import etree

schema = etree.XMLSchema(etree.parse(sys.argv[1]))
if not schema.validate(etree.parse(sys.argv[2])):
    sys.exit(str(schema.error_log))

import dateparser
import requests

import demistomock as demisto
from CommonServerPython import *  # noqa: F403


def main():
    since = dateparser.parse("3 days ago")
    demisto.results(requests.get(demisto.params()["url"], params={"since": since}, timeout=30).json())

from distutils.util import strtobool

import requests

import demistomock as demisto


def main():
    args = demisto.args()
    answer = requests.get(args["url"], verify=strtobool(args.get("verify", "yes")), timeout=30)
    demisto.results(answer.text)

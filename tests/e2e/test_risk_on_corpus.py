"""The risk finder over a whole real content repository; forty verdicts were checked by hand."""

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from autobump.content.cache import ContentCache
from autobump.content.tree import ContentTree
from autobump.decisions.describe import describe_finding
from autobump.decisions.risk import ItemRisk
from autobump.images.known import KnownImages
from autobump.images.sources.facts import FileFacts
from autobump.images.sources.snapshot import SnapshotSource, TagFile
from autobump.passes.evaluate import Filters, evaluate_content
from autobump.passes.plan import RiskAssessor
from autobump.settings.model import Settings
from autobump.support.progress import Silent

FLAGGED = {
    # Breaking: what the code imports is not in the new image.
    "CortexDataLake": "imports pancloud of the package pancloud 2.0.0a2, which the new image lacks",
    "Devo_v2": "imports devodsconnector of the package devodsconnector 3.0.1, which the new image lacks",
    # Breaking: the image moves from Python 2.7 to 3.12, and cStringIO was merged into io.
    "EWSv2": "imports cStringIO, which is not in Python 3.12.7 any more",
    "VMware": "imports cStringIO, which is not in Python 3.12.13 any more",
    # SQLAlchemy 2 dropped much of what 1.3 offered; this very integration broke when its driver moved on.
    "GenericSQL": "imports sqlalchemy of the package sqlalchemy, which goes from 1.3.23 to 2.0.50",
    # The name of the package is not the name of the module.
    "ActiveMQ": "imports stomp of the package stomp-py, which goes from 7.0.0 to 8.2.0",
    "ParseYAML": "imports yaml of the package pyyaml, which goes from 5.4.1 to 6.0.3",
    "ParseWordDoc": "imports docx of the package python-docx, which goes from 0.8.11 to 1.2.0",
    "MailListenerV2": "imports mailparser of the package mail-parser, which goes from 3.15.0 to 4.2.1",
    "DBotFindSimilarIncidentsByIndicators": (
        "imports sklearn of the package scikit-learn, which goes from 0.24.2 to 1.6.1"
    ),
    "ExpanseGenerateIssueMapWidgetScript": (
        "imports PIL of the package pillow, which goes from 8.3.1 to 12.2.0"
    ),
    "Elasticsearch_v2": "imports opensearchpy of the package opensearch-py, which goes from 1.0.0 to 3.1.0",
    "ReversingLabsA1000v2": (
        "imports ReversingLabs of the package reversinglabs-sdk-py3, which goes from 1.1.1 to 2.13.0"
    ),
    # The package below a namespace that many share.
    "GoogleBigQuery": (
        "imports google.cloud of the package google-cloud-bigquery, which goes from 2.32.0 to 3.41.0"
    ),
    # Not imported by the item itself but by the shared module that the platform pastes in.
    "AzureDevOps": (
        "imports cryptography (through MicrosoftApiModule) of the package cryptography, "
        "which goes from 35.0.0 to 48.0.0"
    ),
    "EDL": (
        "imports gevent (through NGINXApiModule) of the package gevent, which goes from 21.1.2 to 26.4.0"
    ),
    # PyPDF2 3 renamed its classes; the image holds several other changes, this one among them.
    "rasterize": "imports PyPDF2 of the package pypdf2, which goes from 1.26.0 to 3.0.1",
    "Netmiko": "imports paramiko of the package paramiko, which goes from 2.7.2 to 4.0.0",
    "IBMResilientSystems": (
        "imports resilient of the package resilient, which goes from 41.1.2013 to 51.0.8.0.30103"
    ),
    # Imports nothing but the standard library and requests 2; only Python itself moves.
    "CryptoCurrenciesFormat": "Python changes from 3.9.7 to 3.12.13",
}
"""A finding of each item, as its imports and the published facts of both images say."""

UNFLAGGED = {
    # demisto/python: Python stays 2.7.18, and so does its standard library; requests stays at 2.
    "AbuseDB": "csv and os of Python 2.7, requests 2.26.0 to 2.27.1",
    "Alexa": "re and xml of Python 2.7, requests 2.26.0 to 2.27.1",
    "MimecastV2": "urllib2 is in Python 2.7, requests 2.26.0 to 2.27.1",
    "Cisco-umbrella-investigate": "urlparse and distutils are in Python 2.7",
    "MailListener_POP3": "HTMLParser and htmlentitydefs are in Python 2.7",
    "TrendMicroDDA": "platform and os.path are in Python 2.7",
    "FindSimilarIncidentsV2": "dateutil is python-dateutil 2.8.2 to 2.9.0.post0",
    "GetDockerImageLatestTag": "pkg_resources is setuptools 44.1.1 in both",
    "ReadFile": "chardet 4.0.0 in both",
    "D2Remove": "imports nothing but the platform",
    # Other images on Python 2.7.18, most of them retired: the packages did not move.
    "PopularNews": "bs4 is beautifulsoup4 4.9.3 in both",
    "Zoom": "jwt is PyJWT 1.7.1 in both",
    "Cylance_Protect_v2": "jwt is PyJWT 1.7.1 in both, and StringIO is in Python 2.7",
    "AWS-S3": "boto3 1.17.112 in both, through AWSApiModule",
    "SplunkPy": "splunk-sdk 1.6.16 in both, requests 2.26.0 in both",
    "Gmail": "google-api-python-client 1.12.8 to 1.12.11",
    "PDFUnlocker": "PyPDF2 1.26.0 in both",
    "StixParser": "stix 1.2.0.11 in both",
    "DuoAdminApi": "duo-client 4.3.2 to 4.4.0",
    # Python stays 3.9.
    "ThreatConnect_v2": "threatconnect 2.4.21 in both, Python 3.9.6 to 3.9.9",
}
"""Why nothing is to be found, as their imports and the published facts of both images say."""


@pytest.fixture(scope="module")
def risks(corpus: Path, corpus_repository: Path, corpus_tags: SnapshotSource) -> dict[str, ItemRisk]:
    """Return the risk of every update of the corpus, by the name of its file."""
    tree = ContentTree.open(corpus_repository)
    now = datetime.fromisoformat("2026-06-01T03:00:00+00:00")
    cache = ContentCache(None)
    evaluation = evaluate_content(
        tree, corpus_tags, Settings(), Filters(), now=now, progress=Silent(), cache=cache
    )
    images = KnownImages(FileFacts(TagFile(corpus / "images-2026-05.json.xz")), 4, Silent())
    assessor = RiskAssessor(tree, images, cache)
    return {Path(path).stem: risk for path, risk in assessor.assess(evaluation.bumps).items()}


@pytest.mark.corpus
@pytest.mark.parametrize("name", FLAGGED)
def test_item_that_should_be_looked_at_is_flagged(name: str, risks: dict[str, ItemRisk]) -> None:
    assert FLAGGED[name] in [describe_finding(finding) for finding in risks[name].findings]


@pytest.mark.corpus
@pytest.mark.parametrize("name", UNFLAGGED)
def test_item_that_will_not_notice_is_not_flagged(name: str, risks: dict[str, ItemRisk]) -> None:
    assert risks[name] == ItemRisk(), UNFLAGGED[name]


@pytest.mark.corpus
def test_whole_repository_has_this_many_items_of_each_flag(risks: dict[str, ItemRisk]) -> None:
    flags = Counter(risk.level.words if risk.known else "not known" for risk in risks.values())
    reasons = Counter(finding.kind.value for risk in risks.values() for finding in risk.findings)
    print(flags, reasons)  # noqa: T201 - the table of docs/risk.md
    assert flags == {"breaking": 4, "review": 1012, "already missing": 3, "none": 134, "not known": 109}

import json

import pytest

from autobump.images.deprecated import parse_deprecated_images


@pytest.mark.parametrize(
    ("reason", "replacement"),
    [
        ("Use the demisto/py3-tools docker image instead.", "demisto/py3-tools"),
        ("Use the boto3py3 image instead.", "demisto/boto3py3"),
        ("Python 2 is EOL. Use the python3-deb image instead.", "demisto/python3-deb"),
        ("Image not in use by non-deprecated content item.", ""),
        ("The image is no longer in use by content", ""),
        ("No available replacement.", ""),
    ],
)
def test_replacement_is_what_the_reason_says_to_use(reason: str, replacement: str) -> None:
    entry = {"image_name": "demisto/old", "reason": reason}
    assert parse_deprecated_images(json.dumps([entry]))["demisto/old"].replacement == replacement

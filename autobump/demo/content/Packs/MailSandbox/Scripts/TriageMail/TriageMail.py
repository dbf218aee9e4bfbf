import urllib3

import demistomock as demisto

urllib3.disable_warnings()
demisto.results("sorted")

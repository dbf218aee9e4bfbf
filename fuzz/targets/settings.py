"""A settings file: settings, or faults that each have their place."""

from autobump.settings.load import parse_settings
from autobump.support.errors import SettingsError

SEEDS = (
    b"content: {repository: a/b, base: main}\nregistry:\n  min_age: 3 days\n  namespaces: [demisto]\n",
    b"policy:\n  holds:\n  - {image: demisto/x, until: 2026-12-31, reason: r}\n  exclude_packs: [A, 'B*']\n",
    b"rollout:\n  waves:\n  - {name: a, max_coverage: 10}\nschedule: {cron: '0 3 * * 1-5', timezone: Europe/Berlin}\n",
    b"pull_requests: {max_items: 0x10, labels: ['a'], draft: yes}\npollcy: 1\n",
    b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n",
    b"a: 2001-13-45\nb: !!binary 'x'\nc: !!int z\nd: .inf\n? [a]\n: 1\n<<: {e: 1}\n",
)


def check(data: bytes) -> None:
    """Check one file."""
    try:
        parse_settings(data, "autobump.yml")
    except SettingsError as exc:
        for fault in exc.faults:
            assert fault.line >= 0
            assert fault.message
            str(fault).encode()

"""Every label that autobump reads or writes, but for those that the settings name."""

from autobump.decisions.risk import RiskLevel

RISK_LABELS = {level: f"autobump:{level.value}" for level in (RiskLevel.BREAKING, RiskLevel.REVIEW)}
"""Label of a pull request whose worst item is of a level, the worst level first."""

UNKNOWN_LABEL = "autobump:unknown"
"""Says that of an item neither the images nor a run tell whether it is at risk."""

OVERWRITTEN_LABEL = "tag-overwritten"
"""Says that the image behind the target's tag is not the one the pull request was made for."""

SECURITY_LABEL = "autobump:security"
"""Says that it fixes a known vulnerability of at least `policy.security.severity`."""

CLOSED_LABEL = "autobump:closed"
"""Remembers that a person closed it, so that it is found however long ago that was."""

HOLD_LABEL = "autobump:hold"
"""Keeps autobump off a pull request until it is taken away."""

REBUILD_LABEL = "autobump:rebuild"
"""Asks for a fresh branch once."""

DASHBOARD_LABEL = "autobump:dashboard"
"""By it the issue is found again in one call; GitHub makes the label with the issue."""

"""AI-generated images as build outputs: declared in a manifest, bought once, proved fresh in CI.

    import assetgen

    report = assetgen.build("assets.yaml", draft=True)
    print(report.exit_code, report.spent_usd)

The public names are resolved on first use, so that importing the package costs nothing.
"""

from assetgen._version import __version__ as __version__

TYPE_CHECKING = False  # importing `typing` for it would cost a no-op build half its time
if TYPE_CHECKING:
    from assetgen.core.model import Project as Project
    from assetgen.core.report import Plan as Plan
    from assetgen.core.report import Report as Report
    from assetgen.errors import AssetgenError as AssetgenError
    from assetgen.errors import ManifestFaults as ManifestFaults
    from assetgen.session import (
        Session as Session,
    )
    from assetgen.session import (
        Settings as Settings,
    )
    from assetgen.session import (
        build as build,
    )
    from assetgen.session import (
        check as check,
    )
    from assetgen.session import (
        load as load,
    )
    from assetgen.session import (
        plan as plan,
    )

_HOMES = {
    "AssetgenError": "errors",
    "Decision": "core.decision",
    "ManifestFaults": "errors",
    "Outcome": "core.report",
    "Plan": "core.report",
    "Project": "core.model",
    "Report": "core.report",
    "Session": "session",
    "Settings": "session",
    "Status": "core.report",
    "Verdict": "core.decision",
    "build": "session",
    "check": "session",
    "load": "session",
    "plan": "session",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'assetgen' has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - not needed by who only asks for the version

    return getattr(importlib.import_module(f"assetgen.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])

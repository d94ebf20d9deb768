"""AI-generated images as build outputs: declared in a manifest, bought once, proved fresh in CI.

    import assetgen

    report = assetgen.build("assets.yaml", draft=True)
    print(report.exit_code, report.spent_usd)

The public names are resolved on first use, so that importing the package costs nothing.
"""

from assetgen._version import __version__ as __version__

TYPE_CHECKING = False  # importing `typing` for it would cost a no-op build half its time
if TYPE_CHECKING:
    from assetgen.core.call import Generated as Generated
    from assetgen.core.call import ReferenceImage as ReferenceImage
    from assetgen.core.call import Request as Request
    from assetgen.core.decision import Decision as Decision
    from assetgen.core.decision import Hold as Hold
    from assetgen.core.decision import Verdict as Verdict
    from assetgen.core.events import Broken as Broken
    from assetgen.core.events import Done as Done
    from assetgen.core.events import Event as Event
    from assetgen.core.events import Finished as Finished
    from assetgen.core.events import Planned as Planned
    from assetgen.core.events import Retrying as Retrying
    from assetgen.core.events import Round as Round
    from assetgen.core.events import Started as Started
    from assetgen.core.events import Stored as Stored
    from assetgen.core.events import Warned as Warned
    from assetgen.core.model import Asset as Asset
    from assetgen.core.model import AssetReference as AssetReference
    from assetgen.core.model import FileReference as FileReference
    from assetgen.core.model import Generate as Generate
    from assetgen.core.model import Parameters as Parameters
    from assetgen.core.model import Project as Project
    from assetgen.core.model import Source as Source
    from assetgen.core.plugin import ProviderPlugin as ProviderPlugin
    from assetgen.core.ports import Provider as Provider
    from assetgen.core.price import Estimate as Estimate
    from assetgen.core.report import Outcome as Outcome
    from assetgen.core.report import Plan as Plan
    from assetgen.core.report import Report as Report
    from assetgen.core.report import Status as Status
    from assetgen.errors import AssetgenError as AssetgenError
    from assetgen.errors import AuthError as AuthError
    from assetgen.errors import BadResponse as BadResponse
    from assetgen.errors import CacheError as CacheError
    from assetgen.errors import ImageError as ImageError
    from assetgen.errors import Location as Location
    from assetgen.errors import LockfileError as LockfileError
    from assetgen.errors import ManifestError as ManifestError
    from assetgen.errors import ManifestFaults as ManifestFaults
    from assetgen.errors import OutputError as OutputError
    from assetgen.errors import ProviderError as ProviderError
    from assetgen.errors import RateLimited as RateLimited
    from assetgen.errors import Refused as Refused
    from assetgen.errors import Retry as Retry
    from assetgen.errors import Unavailable as Unavailable
    from assetgen.errors import UsageError as UsageError
    from assetgen.session import Session as Session
    from assetgen.session import Settings as Settings
    from assetgen.session import Stop as Stop
    from assetgen.session import build as build
    from assetgen.session import check as check
    from assetgen.session import load as load
    from assetgen.session import plan as plan

_NAMES = {
    "core.call": "Generated ReferenceImage Request",
    "core.decision": "Decision Hold Verdict",
    "core.events": "Broken Done Event Finished Planned Retrying Round Started Stored Warned",
    "core.model": "Asset AssetReference FileReference Generate Parameters Project Source",
    "core.plugin": "ProviderPlugin",
    "core.ports": "Provider",
    "core.price": "Estimate",
    "core.report": "Outcome Plan Report Status",
    "errors": "AssetgenError AuthError BadResponse CacheError ImageError Location LockfileError "
    "ManifestError ManifestFaults OutputError ProviderError RateLimited Refused Retry Unavailable "
    "UsageError",
    "session": "Session Settings Stop build check load plan",
}


def __getattr__(name: str) -> object:
    home = _homes().get(name)
    if home is None:
        raise AttributeError(f"module 'assetgen' has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - not needed by who only asks for the version

    return getattr(importlib.import_module(f"assetgen.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_homes()])


def _homes() -> dict[str, str]:
    return {name: home for home, names in _NAMES.items() for name in names.split()}

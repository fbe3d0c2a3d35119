"""Maps the errors of the HTTP client to errors that a person can read."""

import ssl
from urllib.request import getproxies, proxy_bypass

from huggingface_hub.utils import httpx

from segdemo.errors import HubError
from segdemo.wording import shown


def network_error(error: Exception, url: httpx.URL, seconds: float) -> HubError | None:
    """Map an error of httpx while ``url`` was asked; None for any other error.

    ``seconds`` is the time limit that was set.
    """
    host = shown(url.host)
    match error:
        case httpx.ProxyError():
            return HubError("hub_proxy", host=host)
        case httpx.ConnectError() if _is_tls(error):
            return HubError("hub_tls", host=host)
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return unreachable(url)
        case httpx.TimeoutException():
            return silent(url, seconds)
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return HubError("hub_broken_off", host=host)
        case httpx.HTTPError() | httpx.InvalidURL():
            return no_hub(url)
    return None


def silent(url: httpx.URL, seconds: float) -> HubError:
    """The error for a server that did not answer within ``seconds``."""
    return HubError("hub_silent", host=shown(url.host), seconds=f"{seconds:g}")


def unreachable(url: httpx.URL) -> HubError:
    """The error for a server, or the proxy before it, that could not be connected to."""
    # As httpx reads the environment.
    proxies = getproxies()
    proxied = bool({url.scheme, "all"} & proxies.keys()) and not proxy_bypass(url.host)
    return HubError("hub_proxy" if proxied else "hub_unreachable", host=shown(url.host))


def no_hub(url: httpx.URL) -> HubError:
    """The error for an answer that no Hub would give."""
    return HubError("hub_no_hub", host=shown(url.host))


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False

"""Under which address a reader reaches this server, and how he shows the token."""

import json
import shlex
from urllib.parse import urlsplit

from aiohttp import web

from streamproc.settings import Settings
from streamproc.web.origins import host_name
from streamproc.web.own_token import FILE

TOKEN_VARIABLE = "STREAMPROC_WEB_TOKEN"


def own_address(request: web.Request, settings: Settings) -> str:
    """``web_url``, or what the reader calls this server where that was checked.

    Where any Host header is taken, it may be anybody's: then it is not repeated.
    """
    if settings.web_url or "*" in settings.web_hosts:
        return settings.advertised_url
    netloc = request.headers.get("Host", "")
    name = host_name(netloc)
    try:
        port = urlsplit(f"//{netloc}").port
    except ValueError:
        return settings.advertised_url
    host = f"[{name}]" if ":" in name else name
    return f"http://{host}" + (f":{port}" if port else "")


def token_in_shell(settings: Settings) -> str:
    """What a shell replaces by the token, to stand between double quotes.

    The worker's own token is read from its file; a configured one is the reader's to
    set: it stands on no page.
    """
    if settings.api_token:
        return f"${TOKEN_VARIABLE}"
    return f"$(cat {shlex.quote(str(settings.data_dir.absolute() / FILE))})"


def token_in_python(settings: Settings) -> str:
    """The expression that is the token, as ``token_in_shell`` says."""
    if settings.api_token:
        return f'os.environ["{TOKEN_VARIABLE}"]'
    path = json.dumps(str(settings.data_dir.absolute() / FILE))
    return f"open({path}).read().strip()"

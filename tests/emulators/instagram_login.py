"""Instagram's own login at the emulated Meta: its dialog, the code, and tokens that are renewed."""

from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.emulators.meta import Meta, dialog_page
from tests.emulators.meta_pages import INSTAGRAM_SECRET

LONG_S = 5183944
USED = {"error_type": "OAuthException", "code": 400, "error_message": "This authorization code has been used"}
ENDED = {"error": {"code": 190, "error_subcode": 463, "message": "Session has expired on Monday."}}


class InstagramLogin:
    def __init__(self, meta: Meta, *, wrapped: bool = False) -> None:
        self.meta, self.app_id, self.wrapped = meta, "2000", wrapped
        self.codes: dict[str, tuple[str, set[str]]] = {}
        self.renewals = 0
        # Before the Graph API's own, which begin with a version.
        meta.app.router.routes[:0] = [
            Route("/oauth/authorize", self._dialog, methods=["GET"]),
            Route("/oauth/access_token", self._exchanged, methods=["POST"]),
            Route("/access_token", self._lengthened, methods=["GET"]),
            Route("/refresh_access_token", self._renewed, methods=["GET"]),
        ]

    def logs_in(self, dialog: str, *, without: Collection[str] = ()) -> str:
        """The owner goes through the dialog, leaving some permissions out; where they are sent back to."""
        asked = dict(parse_qsl(urlsplit(dialog).query))
        assert (asked["client_id"], asked["response_type"]) == (self.app_id, "code")
        code = f"igcode{self.meta.number()}"
        self.codes[code] = (asked["redirect_uri"], set(asked["scope"].split(",")) - set(without))
        return f"{asked['redirect_uri']}?{urlencode({'code': code + '#_', 'state': asked['state']})}"

    async def _dialog(self, request: Request) -> Response:
        return dialog_page({"Allow": self.logs_in(str(request.url))})

    async def _exchanged(self, request: Request) -> Response:
        async with request.form() as form:
            asked = {name: str(value) for name, value in form.items()}
        back, scopes = self.codes.pop(asked.get("code", ""), ("", set[str]()))
        right = (self.app_id, INSTAGRAM_SECRET, "authorization_code", back)
        if (asked.get("client_id"), asked.get("client_secret"), asked.get("grant_type"), asked.get("redirect_uri")) != right or not scopes:
            return JSONResponse(USED, 400)
        told = {"access_token": self._token("IGshort", scopes), "user_id": 17840000000000009, "permissions": sorted(scopes)}
        return JSONResponse({"data": [told | {"permissions": ",".join(sorted(scopes))}]} if self.wrapped else told)

    async def _lengthened(self, request: Request) -> Response:
        asked = request.query_params
        scopes = self.meta.tokens.pop(asked.get("access_token", ""), None)
        if scopes is None or (asked.get("grant_type"), asked.get("client_secret")) != ("ig_exchange_token", INSTAGRAM_SECRET):
            return JSONResponse(ENDED, 400)
        return JSONResponse({"access_token": self._token("IGlong", scopes), "token_type": "bearer", "expires_in": LONG_S})

    async def _renewed(self, request: Request) -> Response:
        scopes = self.meta.tokens.get(request.query_params.get("access_token", ""))
        if scopes is None or request.query_params.get("grant_type") != "ig_refresh_token":
            return JSONResponse(ENDED, 400)
        self.renewals += 1
        return JSONResponse({"access_token": self._token("IGnew", scopes), "token_type": "bearer", "expires_in": LONG_S})

    def _token(self, kind: str, scopes: set[str]) -> str:
        token = f"{kind}{self.meta.number()}"
        self.meta.tokens[token], self.meta.secrets[token] = set(scopes), INSTAGRAM_SECRET
        return token

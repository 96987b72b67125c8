"""An S3 bucket, path style (`/bucket/key`): objects are put, got, headed, listed (version 2) and deleted, one or many.

It looks at the access key and at the hash of what was sent, not at the whole signature.
"""

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.emulators.serving import CUT

SPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
MODIFIED = "2026-01-02T03:04:05.000Z"


@dataclass
class Fault:
    """What happens to the next `times` requests of `operation` ("" for every one): slow first, then `status` or a cut line."""

    operation: str
    times: int = 1
    status: int = 0
    code: str = ""
    seconds: float = 0.0
    cut: bool = False


class Refusal(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class S3:
    """`objects` holds what is kept by its key; `calls` counts PUT, GET, HEAD, DELETE, LIST and MULTIDELETE."""

    def __init__(self, bucket: str = "savdo", access_key: str = "AKIAEMULATOR", *, page: int = 1000) -> None:
        self.bucket, self.access_key, self.page = bucket, access_key, page
        self.objects: dict[str, bytes] = {}
        self.undeletable: set[str] = set()
        self.calls: Counter[str] = Counter()
        self._faults: list[Fault] = []
        self.app = Starlette(routes=[
            Route("/{bucket}", self._bucket, methods=["GET", "POST"]),
            Route("/{bucket}/{key:path}", self._object, methods=["PUT", "GET", "HEAD", "DELETE", "POST"]),
        ])  # fmt: skip

    def fails(self, operation: str, status: int = 500, code: str = "InternalError", *, times: int = 1) -> None:
        self._faults.append(Fault(operation, times, status, code))

    def is_slow(self, operation: str, seconds: float, *, times: int = 1) -> None:
        self._faults.append(Fault(operation, times, seconds=seconds))

    def cuts(self, operation: str, *, times: int = 1) -> None:
        """Breaks the connection without an answer; nothing was done."""
        self._faults.append(Fault(operation, times, cut=True))

    async def _object(self, request: Request) -> Response:
        key = request.path_params["key"]
        if not key:
            return await self._bucket(request)
        return await self._answered(request, request.method)

    async def _bucket(self, request: Request) -> Response:
        return await self._answered(request, "LIST" if request.method == "GET" else "MULTIDELETE")

    async def _answered(self, request: Request, operation: str) -> Response:
        self.calls[operation] += 1
        body = await request.body()
        try:
            if (fault := self._fault(operation)) is not None:
                await asyncio.sleep(fault.seconds)
                if fault.cut:
                    request.scope[CUT]()
                    return Response()
                if fault.status:
                    raise Refusal(fault.status, fault.code)
            self._check(request, body)
            if operation == "LIST":
                return self._list(request)
            if operation == "MULTIDELETE":
                return self._delete_many(request, body)
            return self._one(request.method, request.path_params["key"], body)
        except Refusal as refusal:
            return _xml(f"<Error><Code>{refusal.code}</Code><Message>{refusal.code}</Message></Error>", refusal.status)

    def _fault(self, operation: str) -> Fault | None:
        for fault in self._faults:
            if fault.operation in ("", operation):
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                return fault
        return None

    def _check(self, request: Request, body: bytes) -> None:
        if f"Credential={self.access_key}/" not in request.headers.get("authorization", ""):
            raise Refusal(403, "InvalidAccessKeyId")
        if request.path_params["bucket"] != self.bucket:
            raise Refusal(404, "NoSuchBucket")
        said = request.headers.get("x-amz-content-sha256", "")
        if said != "UNSIGNED-PAYLOAD" and said != hashlib.sha256(body).hexdigest():
            raise Refusal(400, "XAmzContentSHA256Mismatch")

    def _one(self, method: str, key: str, body: bytes) -> Response:
        if method == "PUT":
            self.objects[key] = body
            return Response(headers={"etag": _etag(body)})
        if method == "DELETE":
            if key in self.undeletable:
                raise Refusal(403, "AccessDenied")
            # One that is gone already is no error.
            self.objects.pop(key, None)
            return Response(status_code=204)
        if key not in self.objects:
            raise Refusal(404, "NoSuchKey")
        content = self.objects[key]
        headers = {"etag": _etag(content), "last-modified": "Fri, 02 Jan 2026 03:04:05 GMT"}
        return Response(content, headers=headers, media_type="application/octet-stream")

    def _list(self, request: Request) -> Response:
        wanted = request.query_params
        if wanted.get("list-type") != "2":
            raise Refusal(400, "NotImplemented")
        prefix, after = wanted.get("prefix", ""), wanted.get("continuation-token") or wanted.get("start-after", "")
        found = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        shown = found[: min(self.page, int(wanted.get("max-keys") or 1000))]
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{MODIFIED}</LastModified><ETag>{_etag(self.objects[key])}</ETag>"
            f"<Size>{len(self.objects[key])}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for key in shown
        )
        more = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if len(shown) < len(found) else ""
        head = f"<Name>{self.bucket}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(shown)}</KeyCount>"
        truncated = f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>"
        return _xml(f'<ListBucketResult xmlns="{SPACE}">{head}{truncated}{more}{contents}</ListBucketResult>')

    def _delete_many(self, request: Request, body: bytes) -> Response:
        if "delete" not in request.query_params:
            raise Refusal(400, "NotImplemented")
        # S3 takes no such list without proof that it arrived whole.
        if not any(name == "content-md5" or name.startswith("x-amz-checksum-") for name in request.headers):
            raise Refusal(400, "InvalidRequest")
        keys = [key.text or "" for key in ET.fromstring(body).iter() if key.tag.rpartition("}")[2] == "Key"]
        if not 1 <= len(keys) <= 1000:
            raise Refusal(400, "MalformedXML")
        answers: list[str] = []
        for key in keys:
            if key in self.undeletable:
                answers.append(f"<Error><Key>{escape(key)}</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
            else:
                self.objects.pop(key, None)
                answers.append(f"<Deleted><Key>{escape(key)}</Key></Deleted>")
        return _xml(f'<DeleteResult xmlns="{SPACE}">{"".join(answers)}</DeleteResult>')


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def _xml(body: str, status: int = 200) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{body}', status, media_type="application/xml")

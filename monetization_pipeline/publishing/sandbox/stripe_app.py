"""The sandbox as an ASGI application: Stripe's HTTP manners around `stripe_api`, and faults on demand.

Beside `/v1/…`: `GET /` shows what there is, `GET /sandbox/calls` the log of calls, `POST /sandbox/faults` orders one
failure, `POST /sandbox/forget_keys` empties the idempotency keys as 24 hours would, `POST /sandbox/reset` empties all.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from monetization_pipeline.publishing.sandbox.parameters import RefusedError, decode
from monetization_pipeline.publishing.sandbox.store import Reply, Store, new_id
from monetization_pipeline.publishing.sandbox.stripe_api import Call, find_endpoint

_KEYS_KEPT_SECONDS = 24 * 3600
_LONGEST_KEY = 255


class FaultKind(StrEnum):
    """How a call fails: `before` and `after` it was done, without an answer; with an answer of 500 before or after
    it was done, repeated for the same idempotency key; with 429, not done."""

    BEFORE = "before"
    AFTER = "after"
    FAILED = "500"
    FAILED_AFTER = "500_after"
    TOO_MANY = "429"


@dataclass(slots=True)
class Fault:
    """An ordered failure: of the call number `call` from now on, or of the next one of that method and path's end."""

    kind: FaultKind
    call: int | None
    method: str | None
    path: str | None

    def hits(self, method: str, path: str) -> bool:
        """Whether this call is to fail; counts it."""
        if self.call is not None:
            self.call -= 1
            return self.call == 0
        return self.method in (None, method) and path.endswith(self.path or "")


class NoAnswer(Response):
    """Ends the connection in the middle of the answer, so that the caller cannot know what happened."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


def stripe_app(store: Store, clock: Callable[[], float] = time.time) -> Starlette:  # noqa: TID251 - a door as well
    """The application that keeps its state in `store`."""
    sandbox = _Sandbox(store, clock)
    return Starlette(
        routes=[
            Route("/", sandbox.overview, methods=["GET"]),
            Route("/sandbox/calls", sandbox.calls, methods=["GET"]),
            Route("/sandbox/faults", sandbox.order_fault, methods=["POST"]),
            Route("/sandbox/forget_keys", sandbox.forget_keys, methods=["POST"]),
            Route("/sandbox/reset", sandbox.reset, methods=["POST"]),
            Route("/v1/{rest:path}", sandbox.answer, methods=["GET", "POST", "DELETE"]),
        ]
    )


class _Sandbox:
    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._faults: list[Fault] = []

    async def overview(self, _request: Request) -> Response:
        invoices = [
            {name: each[name] for name in ("id", "number", "status", "customer_name", "currency", "metadata")}
            for each in self._store.all("invoice")
        ]
        return JSONResponse({"sandbox": "stripe", "account": self._store.account, "invoices": invoices})

    async def calls(self, _request: Request) -> Response:
        return JSONResponse({"calls": self._store.calls()})

    async def order_fault(self, request: Request) -> Response:
        order = await request.json()
        try:
            fault = Fault(FaultKind(order["kind"]), order.get("call"), order.get("method"), order.get("path"))
        except (KeyError, ValueError):
            kinds = ", ".join(FaultKind)
            return JSONResponse({"error": f"a fault needs a kind ({kinds}) and a call, or method and path"}, 400)
        self._faults.append(fault)
        return JSONResponse({"ordered": fault.kind.value})

    async def forget_keys(self, _request: Request) -> Response:
        self._store.forget_replies()
        return JSONResponse({"forgotten": True})

    async def reset(self, _request: Request) -> Response:
        self._store.reset()
        self._faults.clear()
        return JSONResponse({"account": self._store.account})

    async def answer(self, request: Request) -> Response:
        body = (await request.body()).decode()
        pairs = parse_qsl(body if request.method == "POST" else request.url.query, keep_blank_values=True)
        fault = self._next_fault(request.method, request.url.path)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        status, text, replayed = self._outcome(request, pairs, key, fault)
        self._store.log(
            {
                "method": request.method,
                "path": request.url.path,
                "idempotency_key": key,
                "status": status,
                "replayed": replayed,
                "fault": fault.value if fault else None,
                "params": dict(pairs),
            }
        )
        if fault in (FaultKind.BEFORE, FaultKind.AFTER):
            return NoAnswer()
        headers = {"request-id": new_id("req")} | ({"idempotent-replayed": "true"} if replayed else {})
        return Response(text, status, headers, "application/json")

    def _next_fault(self, method: str, path: str) -> FaultKind | None:
        hit = [fault for fault in self._faults if fault.hits(method, path)]
        if not hit:
            return None
        self._faults.remove(hit[0])
        return hit[0].kind

    def _outcome(
        self, request: Request, pairs: list[tuple[str, str]], key: str | None, fault: FaultKind | None
    ) -> tuple[int, str, bool]:
        """(status, JSON text, whether it is the repetition of an earlier answer)."""
        if fault is FaultKind.BEFORE:
            return 0, "", False
        if fault is FaultKind.TOO_MANY:
            return *_error(
                429, "invalid_request_error", "Too many requests hit the API too quickly.", "rate_limit"
            ), False
        refused = _refuse_key(request.headers.get("authorization", ""))
        if refused:
            return *refused, False
        now = int(self._clock())
        fingerprint = hashlib.sha256(repr((request.method, request.url.path, sorted(pairs))).encode()).hexdigest()
        if key is not None:
            earlier = self._store.reply(key, now - _KEYS_KEPT_SECONDS)
            if earlier is not None and earlier.request != fingerprint:
                message = (
                    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                    f"Try using a key other than '{key}' if you meant to execute a different request."
                )
                return *_error(400, "idempotency_error", message), False
            if earlier is not None:
                return earlier.status, earlier.body, True
            if len(key) > _LONGEST_KEY:
                return *_error(400, "invalid_request_error", "Idempotency keys have up to 255 characters."), False
        status, text = _error(500, "api_error", "An unknown error occurred.")
        if fault is not FaultKind.FAILED:
            done, answer = self._execute(request.method, request.url.path, pairs, now)
            if fault is not FaultKind.FAILED_AFTER:
                status, text = done, answer
        # What was refused is not remembered: nothing was begun.
        if key is not None and (status < 400 or status >= 500):
            self._store.keep_reply(key, Reply(fingerprint, status, text), now)
        self._store.commit()
        return status, text, False

    def _execute(self, method: str, path: str, pairs: list[tuple[str, str]], now: int) -> tuple[int, str]:
        try:
            endpoint, object_id = find_endpoint(method, path)
            answer = endpoint.answer(self._store, Call(object_id, decode(pairs, endpoint.fields), now))
        except RefusedError as error:
            self._store.rollback()
            return _error(error.status, "invalid_request_error", error.message, error.code, error.param)
        return 200, json.dumps(answer)


def _refuse_key(authorization: str) -> tuple[int, str] | None:
    key = authorization.removeprefix("Bearer ")
    if key.startswith(("sk_test_", "rk_test_")):
        return None
    shown = f"{key[:8]}{'*' * 8}{key[-4:]}" if key else "none"
    return _error(401, "invalid_request_error", f"Invalid API Key provided: {shown}. The sandbox takes test keys only.")


def _error(status: int, kind: str, message: str, code: str | None = None, param: str | None = None) -> tuple[int, str]:
    error: dict[str, Any] = {"type": kind, "message": message}
    error |= {name: value for name, value in (("code", code), ("param", param)) if value is not None}
    return status, json.dumps({"error": error})

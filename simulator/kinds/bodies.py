"""Bodies that no parser should be given."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterable, Iterator

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from simulator.calls import Call
from simulator.faults import Strike
from simulator.kinds import waiting
from simulator.kinds.base import ANY, Effect, Kind, Option
from simulator.kinds.connections import page_502
from simulator.wire import dropped

MEGABYTE = 1024 * 1024
CHUNK = 64 * 1024
SIGN_IN = "<!DOCTYPE html><html><title>Sign in</title><body><h1>Please sign in</h1></body></html>"


def _html_before(strike: Strike, call: Call, effect: Effect) -> HttpResponse | None:
    return None if strike.options["effect"] else _html(strike, call, HttpResponse())


def _html(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    if strike.options["status"] == 502:
        return page_502()
    return HttpResponse(SIGN_IN, status=strike.options["status"], content_type="text/html")


def _other_type(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    response["Content-Type"] = strike.options["content_type"]
    return response


def _truncated(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    kept = int(len(response.content) * strike.options["share"])
    response.content = response.content[:kept]
    return response


def _empty(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    response.content = b""
    return response


def _in_pieces(
    response: HttpResponse, chunks: Iterable[bytes], length: int | None = None
) -> StreamingHttpResponse:
    """Return an answer with the head of another one and a body that comes bit by bit."""
    answer = StreamingHttpResponse(chunks, status=response.status_code)
    for name, value in response.items():
        answer[name] = value
    if length is not None:
        answer["Content-Length"] = str(length)
    return answer


def _cut_short(strike: Strike, call: Call, response: HttpResponse) -> HttpResponseBase:
    def part() -> Iterator[bytes]:
        yield response.content[: len(response.content) // 2] or b" "
        waiting.sleep(strike.options["hang_seconds"])

    promised = max(len(response.content), 2)
    return _in_pieces(response, dropped(call.request, part()), promised)


def _huge(strike: Strike, call: Call, response: HttpResponse) -> HttpResponseBase:
    size = int(strike.options["megabytes"] * MEGABYTE)

    def blanks_and_body() -> Iterator[bytes]:
        yield from _repeated(b" ", size)
        yield response.content

    return _in_pieces(response, blanks_and_body(), size + len(response.content))


def _bomb(strike: Strike, call: Call, response: HttpResponse) -> HttpResponseBase:
    def packed() -> Iterator[bytes]:
        packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
        for chunk in _repeated(b" ", int(strike.options["megabytes"] * MEGABYTE)):
            if some := packer.compress(chunk):
                yield some
        yield packer.compress(response.content) + packer.flush()

    answer = _in_pieces(response, packed())
    answer["Content-Encoding"] = "gzip"
    return answer


def _repeated(byte: bytes, size: int) -> Iterator[bytes]:
    chunk = byte * CHUNK
    for _ in range(size // CHUNK):
        yield chunk
    yield byte * (size % CHUNK)


def _drip(strike: Strike, call: Call, response: HttpResponse) -> HttpResponseBase:
    speed = strike.options["bytes_per_second"]
    step = max(1, int(speed / 10))

    def drops() -> Iterator[bytes]:
        waiting.sleep(0.001)  # lets go of the database
        for start in range(0, len(response.content), step):
            if start:
                time.sleep(step / speed)
            yield response.content[start : start + step]

    return _in_pieces(response, drops(), len(response.content))


def _doubled_keys(body: bytes) -> bytes:
    # What a lenient parser takes is the last of each; a strict one refuses.
    status = b'"status": "hibernating", '
    return body.replace(b'"status"', status + b'"status"').replace(b"{", b'{"id": "other", ', 1)


BAD_JSON: dict[str, Callable[[bytes], bytes]] = {
    "invalid_utf8": lambda body: body[:-1] + b', "note": "\xff\xfe\xc3\x28"' + body[-1:],
    "duplicate_keys": _doubled_keys,
    "nan": lambda body: body[:-1] + b', "score": NaN, "rest": -Infinity' + body[-1:],
    "deep": lambda _body: b"[" * 100_000 + b"]" * 100_000,
    "rubbish": lambda body: body + b"\n<!-- served by node 7 -->",
    "number": lambda _body: b"1" * 5000,
}


def _bad_json(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    response.content = BAD_JSON[strike.options["form"]](response.content)
    return response


KINDS = (
    Kind(
        "html",
        "HTML instead of JSON",
        "A sign-in page with 200, or a proxy's error page with 502.",
        {
            "status": Option(200, "HTTP status", values=(200, 502)),
            "effect": Option(True, "the request has its effect nevertheless"),
        },
        instead=_html_before,
        answer=_html,
    ),
    Kind(
        "wrong_content_type",
        "A wrong Content-Type",
        "The right body under a wrong name.",
        {"content_type": Option("text/plain", "what the header says")},
        answer=_other_type,
    ),
    Kind(
        "truncated",
        "Half a body",
        "JSON that stops in the middle, with the length that was sent.",
        {"share": Option(0.5, "how much of it is sent", least=0, most=0.99)},
        answer=_truncated,
    ),
    Kind("empty", "No body", "The right status with nothing in it.", {}, answer=_empty),
    Kind(
        "cut_short",
        "Less than was promised",
        "Content-Length says more than is sent before the connection closes.",
        {"hang_seconds": Option(0, "silence before it closes", least=0, most=3600)},
        deliver=_cut_short,
    ),
    Kind(
        "huge",
        "A huge body",
        "The right JSON after megabytes of blanks.",
        {"megabytes": Option(50, "how many", least=0, most=100_000)},
        deliver=_huge,
    ),
    Kind(
        "gzip_bomb",
        "A gzip bomb",
        "A small packed body that unpacks to much.",
        {"megabytes": Option(300, "unpacked size", least=0, most=100_000)},
        deliver=_bomb,
    ),
    Kind(
        "drip",
        "A body that drips",
        "The right answer, some bytes a second.",
        {"bytes_per_second": Option(1, "how fast", least=0.01, most=1e9)},
        deliver=_drip,
    ),
    Kind(
        "bad_json",
        "JSON that is not quite",
        "Invalid UTF-8, doubled keys, NaN, depth without end, text behind the end, a number of"
        " 5000 digits.",
        {"form": Option("invalid_utf8", "what is wrong", values=(*BAD_JSON, ANY))},
        answer=_bad_json,
    ),
)

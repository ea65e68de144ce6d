# SPDX-License-Identifier: Apache-2.0
"""An inference backend that behaves as its requests say, on loopback, for tests of attribution, retries and crashes.

A request body may carry `"script": {"nonce": "n-17", "steps": ["429 retry-after=1", "500", "ok"], "latency_ms": 5}`.
Attempt k of a nonce does steps[k]; the last step goes on for ever. Steps:

    ok | pretty | huge bytes=N                  200: a reply with the nonce; pretty-printed; with N bytes of filling
    400 | 404 | 429 | 500 | 503 [retry-after=N | retry-date=N]   that status with an error body; any status from 400 on
    garbage | html | empty                      200 with a body that is no JSON
    truncated | reset | hang                    cut in mid-body; connection reset; never answered

Each call is one line `received` and one line `answered` in the log file (append only, written at once):
{"event", "nonce", "attempt", "step", "path", "time", "request", "status", "response"}.

Control: GET /control/stats · POST /control/hold?after=N (calls beyond the Nth wait after `received`) ·
POST /control/release · POST /control/step?do=500 (every call does this step; empty: back to the scripts).
Prints one line `ready url=http://127.0.0.1:PORT` on stdout and serves until its stdin ends or it is killed.
"""
import argparse
import asyncio
import email.utils
import json
import os
import socket
import struct
import sys
import time
import urllib.parse

#: Largest request that is read, in bytes.
REQUEST_BYTES_MAX = 64 << 20


class Backend:
    """The state all connections share; one event loop, so nothing is locked."""

    def __init__(self, log_path):
        self.log = open(log_path, "ab", buffering=0) if log_path else None
        self.attempts = {}
        self.calls = self.in_flight = self.peak = self.held = 0
        self.override = self.hold_after = None
        self.gate = asyncio.Event()
        self.gate.set()

    def record(self, event, call, **more):
        """Appends one line to the log; unbuffered, so that it survives whatever happens next."""
        if self.log:
            entry = {"event": event, "time": time.time(), **call, **more}
            self.log.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")

    async def answer(self, path, raw, writer):
        """Does one call; False when the connection is over."""
        call, script = self._open(path, raw)
        self.record("received", call, request=raw.decode("utf-8", "backslashreplace"))
        self.calls += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            if self.hold_after is not None and self.calls > self.hold_after:
                self.held += 1
                await self.gate.wait()
                self.held -= 1
            await asyncio.sleep(script.get("latency_ms", 0) / 1000)
            return await self._perform(call, writer)
        finally:
            self.in_flight -= 1

    def _open(self, path, raw):
        try:
            body = json.loads(raw)
            script = body.get("script") or {}
        except ValueError:
            body, script = {}, {}
        nonce = script.get("nonce")
        attempt = self.attempts[nonce] = self.attempts.get(nonce, 0) + 1
        steps = script.get("steps") or ["ok"]
        step = self.override or steps[min(attempt, len(steps)) - 1]
        call = {"nonce": nonce, "attempt": attempt, "step": step, "path": path, "model": body.get("model")}
        return call, script

    async def _perform(self, call, writer):
        verb, *options = call["step"].split()
        options = dict(option.split("=", 1) for option in options)
        if verb.isdigit():
            return await self._refuse(call, writer, int(verb), options)
        if verb == "hang":
            await asyncio.sleep(3600)
            return False
        if verb == "reset":
            # Closing with a linger time of zero sends RST instead of FIN.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            self.record("answered", call, status=None)
            return False
        body = self._reply(call, verb, options)
        if verb == "truncated":
            await self._send(writer, 200, body[:len(body) // 2], length=len(body))
            self.record("answered", call, status=None)
            return False
        await self._send(writer, 200, body)
        self.record("answered", call, status=200, response=body.decode("utf-8", "backslashreplace")[:65536])
        return True

    async def _refuse(self, call, writer, status, options):
        headers = {}
        if "retry-after" in options:
            headers["Retry-After"] = options["retry-after"]
        if "retry-date" in options:
            headers["Retry-After"] = email.utils.formatdate(time.time() + float(options["retry-date"]), usegmt=True)
        error = {"message": f"scripted {status} for {call['nonce']}", "type": "scripted", "param": None, "code": None}
        body = json.dumps({"error": error, "nonce": call["nonce"]}).encode()
        await self._send(writer, status, body, headers)
        self.record("answered", call, status=status, response=body.decode())
        return True

    def _reply(self, call, verb, options):
        if verb == "garbage":
            return b'{"choices": [nonsense'
        if verb == "html":
            return b"<html><body>It works!</body></html>"
        if verb == "empty":
            return b""
        nonce = call["nonce"]
        # Numbers, escapes and key order that a reply loses when anyone parses and writes it again.
        odd = r'"odd":[1e-7,-0.0,1.0,12345678901234567890,"\u00e9\/\ud83d\ude00"],"zeta":1,"alpha":2'
        filling = "x" * int(options.get("bytes", 0))
        text = json.dumps(f"reply to {nonce}", ensure_ascii=False)
        usage = '"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}'
        model = json.dumps(call["model"], ensure_ascii=False)
        if call["path"].endswith("/embeddings"):
            data = '"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,1e-7,-0.0]}]'
            usage = '"usage":{"prompt_tokens":3,"total_tokens":3}'
        elif call["path"].endswith("/embeddings/multimodal"):
            data = '"object":"list","data":{"object":"embedding","embedding":[0.1,1e-7,-0.0]}'
            usage = '"usage":{"prompt_tokens":3,"total_tokens":3}'
        elif call["path"].endswith("/chat/completions"):
            message = f'"message":{{"role":"assistant","content":{text}}},"finish_reason":"stop"'
            data = f'"object":"chat.completion","choices":[{{"index":0,{message}}}]'
        else:
            data = f'"object":"text_completion","choices":[{{"index":0,"text":{text},"finish_reason":"stop"}}]'
        head = f'"id":"call-{call["attempt"]}","nonce":{json.dumps(nonce, ensure_ascii=False)},"model":{model}'
        members = [head, data, odd, f'"filling":"{filling}"', usage]
        if verb == "pretty":
            return ("{\r\n    " + ",\r\n    ".join(members) + "\n}\n").encode()
        return ("{" + ",".join(members) + "}").encode()

    async def _send(self, writer, status, body, headers=None, length=None):
        head = [f"HTTP/1.1 {status} Scripted", "Content-Type: application/json"]
        head += [f"{name}: {value}" for name, value in (headers or {}).items()]
        head += [f"Content-Length: {len(body) if length is None else length}", "", ""]
        writer.write("\r\n".join(head).encode() + body)
        await writer.drain()

    async def control(self, method, target, writer):
        """The tests' own door; never held and never logged."""
        url = urllib.parse.urlsplit(target)
        verb = url.path.removeprefix("/control/")
        parameters = dict(urllib.parse.parse_qsl(url.query))
        if method == "POST" and verb == "hold":
            self.gate.clear()
            self.hold_after = int(parameters.get("after", 0))
        elif method == "POST" and verb == "release":
            self.hold_after = None
            self.gate.set()
        elif method == "POST" and verb == "step":
            self.override = parameters.get("do")
        elif verb != "stats":
            await self._send(writer, 404, b"{}")
            return
        names = ("calls", "in_flight", "peak", "held", "override")
        await self._send(writer, 200, json.dumps({name: getattr(self, name) for name in names}).encode())

    async def connection(self, reader, writer):
        """One connection: requests one after another until either side closes."""
        try:
            while True:
                request = await read_request(reader)
                if request is None:
                    break
                method, target, body, is_last = request
                if target.startswith("/control/"):
                    await self.control(method, target, writer)
                elif method == "GET":
                    await self._send(writer, 200, b'{"object":"list","data":[]}')
                elif not await self.answer(target, body, writer):
                    break
                if is_last:
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The caller is gone; the log has what was received.
        finally:
            writer.close()


async def read_request(reader):
    """The next request as (method, target, body, is it the last), or None when the caller has closed."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(fields.get("content-length", "0"))
    if length > REQUEST_BYTES_MAX or "chunked" in fields.get("transfer-encoding", ""):
        raise ConnectionError("a request this backend does not read")
    return method, target, await reader.readexactly(length), fields.get("connection", "").lower() == "close"


async def serve(options):
    backend = Backend(options.log)
    server = await asyncio.start_server(
        backend.connection, "127.0.0.1", options.port, backlog=1024, limit=REQUEST_BYTES_MAX)
    print(f"ready url=http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    ended = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_reader(0, lambda: os.read(0, 4096) or ended.done() or ended.set_result(None))
    await ended
    sys.stdout.flush()
    os._exit(0)  # calls that hang on purpose are not waited for


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--log", help="file that every call is appended to")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()

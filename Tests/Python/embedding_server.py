# SPDX-License-Identifier: Apache-2.0
"""An OpenAI-compatible /v1/embeddings server over the real all-MiniLM-L6-v2 model, on loopback.

Prints one line `ready url=http://127.0.0.1:PORT` on stdout and serves until its stdin ends or it is killed.
"""
import argparse
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from minilm import MiniLM

MODEL = "all-MiniLM-L6-v2"
#: Largest request body in bytes that is read.
BODY_BYTES_MAX = 16 << 20


class RequestFault(Exception):
    """What a client did wrong, as the status and message to answer."""

    def __init__(self, status, message, param=None):
        super().__init__(message)
        self.status, self.message, self.param = status, message, param


class EmbeddingHandler(BaseHTTPRequestHandler):
    """One connection; the server object carries the model and its lock."""

    protocol_version = "HTTP/1.1"
    # A reply leaves as headers and body; without this the second waits for the first one's acknowledgement.
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path == "/v1/models":
            self._answer(200, {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "tests"}]})
        else:
            self._fault(RequestFault(404, f"no route {self.path}"))

    def do_POST(self):
        try:
            body = self._body()
            if self.path != "/v1/embeddings":
                raise RequestFault(404, f"no route {self.path}")
            self._answer(200, self._embed(body))
        except RequestFault as fault:
            self._fault(fault)

    def _body(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_BYTES_MAX:
            self.close_connection = True
            raise RequestFault(413, f"the body is larger than {BODY_BYTES_MAX} bytes")
        raw = self.rfile.read(length)
        try:
            body = json.loads(raw)
        except ValueError as error:
            raise RequestFault(400, f"the body is not JSON: {error}") from error
        if not isinstance(body, dict):
            raise RequestFault(400, "the body is not an object")
        return body

    def _embed(self, body):
        if body.get("model") != MODEL:
            raise RequestFault(404, f"the model `{body.get('model')}` does not exist", "model")
        texts = body.get("input")
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
            raise RequestFault(400, "input must be a text or a list of texts, none empty", "input")
        data, tokens = [], 0
        for index, text in enumerate(texts):
            with self.server.model_lock:
                vector, count = self.server.model.embed(text)
            tokens += count
            data.append({"object": "embedding", "index": index, "embedding": vector})
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": MODEL, "usage": usage}

    def _fault(self, fault):
        error = {"message": fault.message, "type": "invalid_request_error", "param": fault.param, "code": None}
        self._answer(fault.status, {"error": error})

    def _answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        """Silent: what the tests ask is in the replies."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 picks a free one")
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), EmbeddingHandler)
    server.daemon_threads = True
    server.model, server.model_lock = MiniLM(), threading.Lock()
    threading.Thread(target=end_with_stdin, daemon=True).start()
    print(f"ready url=http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


def end_with_stdin():
    """Ends the process when stdin does, so that no server outlives the test that started it."""
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()

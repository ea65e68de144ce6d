# SPDX-License-Identifier: Apache-2.0
"""Checks inputs and results elsewhere with the official OpenAI Python SDK:
`openai_remote.py CHECK --url http://127.0.0.1:PORT --key K`.

As openai_sdk.py does it: strict validation of every answer, and exit code 0 when the check holds.
"""
import http.server
import json
import threading
import time

from openai_sdk import DEADLINE_SECONDS, main

LINE = {
    "custom_id": "a", "method": "POST", "url": "/v1/chat/ds-test",
    "body": {"model": "batch-test-model", "messages": [{"role": "user", "content": "Hello"}]},
}


class Files(http.server.BaseHTTPRequestHandler):
    """Objects by path: GET, PUT."""

    objects = {"/in": json.dumps(LINE).encode() + b"\n"}

    def do_GET(self):
        body = self.objects[self.path.split("?")[0]]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        self.objects[self.path.split("?")[0]] = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def check_remote(server):
    """The address is an id that the SDK takes, the id of the fetched file comes back, and the results are there."""
    files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=files.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{files.server_port}"
    batch = server.client.batches.create(
        input_file_id=f"{here}/in?sig=canary", endpoint="/v1/chat/ds-test", completion_window="24h",
        extra_body={"output": {"url": f"{here}/out?sig=canary"}})
    assert batch.input_file_id.startswith("file-")
    end = time.monotonic() + DEADLINE_SECONDS
    while batch.status not in ("completed", "failed") and time.monotonic() < end:
        assert "canary" not in batch.model_dump_json()
        time.sleep(0.1)
        batch = server.client.batches.retrieve(batch.id)
    assert batch.status == "completed", batch
    assert server.client.files.content(batch.input_file_id).content == Files.objects["/in"]
    assert server.client.files.content(batch.output_file_id).content == Files.objects["/out"]
    assert batch.shardline["output"]["status"] == "delivered" and "canary" not in batch.model_dump_json()


if __name__ == "__main__":
    main({"remote": check_remote})

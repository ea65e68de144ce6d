# SPDX-License-Identifier: Apache-2.0
"""Checks webhooks with the official OpenAI Python SDK: `openai_webhooks.py CHECK --url http://127.0.0.1:PORT --key K`.

As openai_sdk.py does it: strict validation of every answer, and exit code 0 when the check holds.
"""
import http.server
import json
import queue
import threading

import openai
from openai_sdk import DEADLINE_SECONDS, main, refused


class Receiver:
    """A receiver of webhooks on loopback, which answers with `status`; what it gets is in `got`."""

    def __init__(self):
        self.got, self.status = queue.Queue(), 204
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.put((body.decode(), dict(self.headers)))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path="hook"):
        return f"http://127.0.0.1:{self.server.server_port}/{path}"

    def next(self):
        return self.got.get(timeout=DEADLINE_SECONDS)


EVENT_TYPES = ["batch.completed", "batch.failed", "batch.expired", "batch.cancelled"]


def check_webhooks(server):
    """Endpoints from creation to deletion, and events unwrapped by the SDK."""
    client, receiver = server.client, Receiver()
    assert client.webhooks.event_types.list().data == EVENT_TYPES
    made = client.webhooks.create(name="haken 你好", url=receiver.url(), event_types=EVENT_TYPES[:2])
    secret = made.signing_secret
    assert made.id.startswith("we_") and secret.startswith("whsec_") and secret.endswith(made.signing_secret_hint[-4:])
    assert made.updated_at == made.created_at
    found = client.webhooks.retrieve(made.id)
    assert not hasattr(found, "signing_secret") and found.name == "haken 你好" and found.url == receiver.url()
    others = [
        client.webhooks.create(name=f"n{i}", url=receiver.url(f"n{i}"), event_types=["batch.expired"]).id
        for i in range(4)]
    assert [entry.id for entry in client.webhooks.list(limit=2)] == others[::-1] + [made.id]

    result = client.webhooks.test(made.id, event_type="batch.failed")
    assert (result.status_code, result.success, result.webhook_endpoint_id) == (204, True, made.id)
    body, headers = receiver.next()
    trial = client.webhooks.unwrap(body, headers, secret=secret)
    assert trial.type == "batch.failed" and type(trial).__name__ == "BatchFailedWebhookEvent"
    receiver.status = 418
    assert client.webhooks.test(made.id, event_type="batch.completed").status_code == 418
    receiver.next()
    receiver.status = 204
    assert client.webhooks.retrieve(made.id).updated_at == made.updated_at, "tests change nothing"

    done = server.end(server.create(server.upload().id, metadata={"a": "ü"}).id)
    body, headers = receiver.next()
    event = client.webhooks.unwrap(body, headers, secret=secret)
    assert type(event).__name__ == "BatchCompletedWebhookEvent" and event.id == headers["webhook-id"]
    assert event.data.id == done.id and event.object == "event"
    told = json.loads(body)["data"]
    assert (told["status"], told["output_file_id"], told["metadata"]) == ("completed", done.output_file_id, {"a": "ü"})
    assert event.created_at >= done.created_at
    try:
        client.webhooks.unwrap(body.replace("completed", "cancelled"), headers, secret=secret)
    except openai.InvalidWebhookSignatureError:
        pass
    else:
        raise AssertionError("a forged body was unwrapped")
    failed = server.end(server.create(server.upload(b"{}\n").id).id)
    event = client.webhooks.unwrap(*receiver.next(), secret=secret)
    assert type(event).__name__ == "BatchFailedWebhookEvent" and event.data.id == failed.id

    moved = client.webhooks.update(made.id, url=receiver.url("moved"), event_types=["batch.cancelled"])
    assert moved.url == receiver.url("moved") and moved.event_types == ["batch.cancelled"] and moved.name == made.name
    deleted = client.webhooks.delete(made.id)
    assert deleted.deleted and deleted.id == made.id and deleted.object == "webhook_endpoint.deleted"
    refused(openai.NotFoundError, lambda: client.webhooks.retrieve(made.id))
    refused(openai.NotFoundError, lambda: client.webhooks.delete(made.id))
    assert [entry.id for entry in client.webhooks.list()] == others[::-1]

    # The batch's own receiver, with a secret of its own.
    own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    batch = server.create(
        server.upload().id, extra_body={"webhook": {"url": receiver.url("own"), "secret": own}})
    assert batch.shardline["webhook_url"] == receiver.url("own") and own not in batch.model_dump_json()
    event = client.webhooks.unwrap(*receiver.next(), secret=own)
    assert event.data.id == batch.id and receiver.got.empty()


def check_webhook_rotation(server):
    """After a rotation the old secret signs too, or not at all."""
    client, receiver = server.client, Receiver()
    made = client.webhooks.create(name="n", url=receiver.url(), event_types=EVENT_TYPES)

    def accepted(*secrets):
        client.webhooks.test(made.id, event_type="batch.completed")
        body, headers = receiver.next()
        verdicts = []
        for secret in secrets:
            try:
                client.webhooks.unwrap(body, headers, secret=secret)
                verdicts.append(True)
            except openai.InvalidWebhookSignatureError:
                verdicts.append(False)
        return verdicts

    second = client.webhooks.rotate_secret(made.id, keep_old_secret_active_for_24_hours=True)
    assert second.id == made.id and second.signing_secret != made.signing_secret
    assert second.signing_secret_hint != made.signing_secret_hint
    assert accepted(made.signing_secret, second.signing_secret) == [True, True]
    third = client.webhooks.rotate_secret(made.id)
    assert accepted(made.signing_secret, second.signing_secret, third.signing_secret) == [False, False, True]


def check_webhook_refusals(server):
    """URLs that lead nowhere good, unknown types and names; this server allows no private address."""
    client = server.client

    def create(**more):
        wanted = {"name": "n", "url": "https://example.com/h", "event_types": EVENT_TYPES, **more}
        return client.webhooks.create(**wanted)

    for url in ("ftp://example.com/", "http://user:pass@example.com/", "nonsense", "http://"):
        refused(openai.BadRequestError, lambda url=url: create(url=url), param="url")
    for host in ("127.0.0.1:9", "[::1]", "[::ffff:10.0.0.1]", "localhost", "169.254.169.254", "10.0.0.1"):
        url = f"http://{host}/"
        refused(openai.BadRequestError, lambda url=url: create(url=url), param="url", code="address_not_allowed")
    refused(openai.BadRequestError, lambda: create(event_types=["response.completed"]), param="event_types[0]")
    refused(openai.BadRequestError, lambda: create(event_types=[]), param="event_types")
    refused(openai.BadRequestError, lambda: create(name=""), param="name")
    made = create()
    for bad in ({"url": "http://127.0.0.1/"}, {"event_types": ["batch.nothing"]}, {"name": ""}):
        refused(openai.BadRequestError, lambda bad=bad: client.webhooks.update(made.id, **bad))
    assert client.webhooks.retrieve(made.id).updated_at == made.updated_at
    refused(openai.NotFoundError, lambda: client.webhooks.test("we_nothing", event_type="batch.completed"))
    refused(openai.NotFoundError, lambda: client.webhooks.rotate_secret("we_nothing"))
    refused(openai.BadRequestError, lambda: client.webhooks.list(limit=101), param="limit")
    refused(openai.BadRequestError, lambda: client.webhooks.list(after="we_nothing"), param="after")


if __name__ == "__main__":
    main({name.removeprefix("check_"): check for name, check in globals().items() if name.startswith("check_")})

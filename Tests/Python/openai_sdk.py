# SPDX-License-Identifier: Apache-2.0
"""Checks a server with the official OpenAI Python SDK: `openai_sdk.py CHECK --url http://127.0.0.1:PORT --key KEY`.

Every answer is checked against the SDK's own models (`_strict_response_validation=True`). Exit code 0: the check holds;
otherwise the traceback says what does not. CHECK is the name of a function below without `check_`.
"""
import argparse
import asyncio
import io
import json
import sys
import tempfile
import time

import httpx2
import openai

DEADLINE_SECONDS = 60


def lines(count):
    """A batch file for the built-in test model."""
    body = {"model": "batch-test-model", "messages": [{"role": "user", "content": "你好 😀"}]}
    rows = ({"custom_id": f"id-{i}", "method": "POST", "url": "/v1/chat/ds-test", "body": body} for i in range(count))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


class Server:
    """Clients of one server, with a list of the requests they really sent."""

    def __init__(self, url, key):
        self.url, self.key, self.sent = url, key, []
        hooks = {"request": [lambda request: self.sent.append(f"{request.method} {request.url.path}")]}
        self.client = openai.OpenAI(
            base_url=f"{url}/v1", api_key=key, _strict_response_validation=True,
            organization="org-tests", project="proj-tests", http_client=httpx2.Client(event_hooks=hooks))

    def upload(self, content=None, **more):
        return self.client.files.create(file=("in.jsonl", content or lines(3)), purpose="batch", **more)

    def create(self, file_id, **more):
        more = {"endpoint": "/v1/chat/ds-test", "completion_window": "24h", **more}
        return self.client.batches.create(input_file_id=file_id, **more)

    def end(self, batch_id):
        """The batch once it is terminal."""
        until = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < until:
            batch = self.client.batches.retrieve(batch_id)
            if batch.status in ("completed", "failed", "expired", "cancelled"):
                return batch
            time.sleep(0.05)
        raise AssertionError(f"batch {batch_id} did not end")


def refused(kind, call, **expected):
    """The exception of a call that must fail as `kind` with these attributes."""
    try:
        result = call()
    except openai.APIStatusError as error:
        assert type(error) is kind, f"{type(error)}: {error}"
        for name, value in expected.items():
            assert getattr(error, name) == value, f"{name} is {getattr(error, name)!r}, not {value!r}: {error}"
        assert error.request_id, "no request id"
        assert error.message and error.type, error.body
        return error
    raise AssertionError(f"not refused: {result}")


def check_files(server):
    """Create, retrieve, wait, list, content and delete."""
    client, content = server.client, lines(3)
    name = "päckchen 你好 😀.jsonl"
    file = client.files.create(file=(name, io.BytesIO(content)), purpose="batch")
    assert file._request_id
    assert (file.filename, file.bytes, file.purpose, file.status) == (name, len(content), "batch", "processed")
    assert client.files.retrieve(file.id) == file
    assert client.files.wait_for_processing(file.id, poll_interval=0.1).status == "processed"
    assert client.files.content(file.id).content == content
    with tempfile.NamedTemporaryFile() as target:
        client.files.content(file.id).write_to_file(target.name)
        assert target.read() == content
    with client.files.with_streaming_response.content(file.id) as response:
        assert b"".join(response.iter_bytes(7)) == content

    others = [server.upload().id for _ in range(4)]
    found = [entry.id for entry in client.files.list(limit=2)]
    assert found == others[::-1] + [file.id], found
    assert [entry.id for entry in client.files.list(limit=2, order="asc")] == found[::-1]
    assert [entry.id for entry in client.files.list(purpose="user_data")] == []
    assert server.sent.count("GET /v1/files") >= 6

    deleted = client.files.delete(file.id)
    assert deleted.deleted and deleted.id == file.id
    refused(openai.NotFoundError, lambda: client.files.retrieve(file.id), param="id", code=None)
    refused(openai.NotFoundError, lambda: client.files.content(file.id))
    refused(openai.NotFoundError, lambda: client.files.delete(file.id))


def check_file_expiry(server):
    """`expires_after` of uploads."""
    file = server.upload(expires_after={"anchor": "created_at", "seconds": 3600})
    assert file.expires_at == file.created_at + 3600
    for seconds in (3599, 2592001):
        expiry = {"anchor": "created_at", "seconds": seconds}
        refused(openai.BadRequestError, lambda: server.upload(expires_after=expiry), param="expires_after[seconds]")


def check_batch(server):
    """From upload to results."""
    file = server.upload(lines(250))
    expiry = {"anchor": "created_at", "seconds": 3600}
    batch = server.create(file.id, metadata={"farbe": "grün 🟢"}, output_expires_after=expiry)
    assert batch._request_id and batch.metadata == {"farbe": "grün 🟢"}
    assert batch.expires_at == batch.created_at + 24 * 3600
    ended = server.end(batch.id)
    assert ended.status == "completed" and ended.error_file_id is None
    counts = ended.request_counts
    assert (counts.total, counts.completed, counts.failed) == (250, 250, 0)
    assert ended.usage.total_tokens == 26 * 250 and ended.usage.input_tokens == 20 * 250
    assert ended.usage.input_tokens_details.cached_tokens == 0
    assert ended.model == "batch-test-model"
    moments = [ended.created_at, ended.in_progress_at, ended.finalizing_at, ended.completed_at]
    assert moments == sorted(moments), moments
    rows = [json.loads(line) for line in server.client.files.content(ended.output_file_id).text.splitlines()]
    assert [row["custom_id"] for row in rows] == [f"id-{i}" for i in range(250)]
    assert len({row["id"] for row in rows}) == 250
    assert rows[7]["response"]["body"]["choices"][0]["message"]["content"] == "This is a test result."
    output = server.client.files.retrieve(ended.output_file_id)
    assert output.purpose == "batch_output" and output.expires_at == output.created_at + 3600


def check_batch_list(server):
    """Pages follow one another without loss or repetition."""
    file = server.upload()
    made = [server.create(file.id, metadata={"number": str(i)}).id for i in range(7)]
    page = server.client.batches.list(limit=3)
    assert len(page.data) == 3 and page.has_more
    assert [batch.id for batch in page] == made[::-1]
    assert server.sent.count("GET /v1/batches") == 3
    assert [batch.id for batch in server.client.batches.list(limit=3, after=made[2])] == made[1::-1]
    refused(openai.BadRequestError, lambda: server.client.batches.list(limit=101), param="limit")
    refused(openai.BadRequestError, lambda: server.client.batches.list(after="batch_nothing"), param="after")


def check_metadata(server):
    """At most 16 pairs of strings, keys up to 64 and values up to 512 characters."""
    file = server.upload()

    def create(metadata):
        return server.create(file.id, metadata=metadata)

    most = {f"{'ключ' * 15}{i:04}": "ü" * 512 for i in range(16)}
    assert create(most).metadata == most
    assert create(None).metadata is None
    for bad, param in (
        ({f"k{i}": "v" for i in range(17)}, "metadata"),
        ({"k" * 65: "v"}, "metadata"),
        ({"k": "v" * 513}, "metadata.k"),
    ):
        error = refused(openai.BadRequestError, lambda: create(bad))
        assert error.param.startswith("metadata"), (error.param, param)
    refused(openai.BadRequestError, lambda: create({"k": 1}), code="invalid_type", param="metadata.k")


def check_errors(server):
    """Errors become the exceptions that users catch, with code, param and request id, and are not repeated in vain."""
    client = server.client
    stranger = client.with_options(api_key="sk-wrong-wrong-wrong-wrong")
    refused(openai.AuthenticationError, stranger.batches.list, code="invalid_api_key", status_code=401)
    refused(openai.NotFoundError, lambda: client.batches.retrieve("batch_nothing"), code=None, param=None)
    refused(openai.NotFoundError, lambda: client.models.retrieve("nothing"))
    refused(
        openai.BadRequestError, lambda: client.files.create(file=b"{}", purpose="batch_output"), param="purpose",
        code="invalid_value")
    refused(openai.BadRequestError, lambda: client.files.create(file=("e.jsonl", b""), purpose="batch"), param="file")
    refused(openai.BadRequestError, lambda: server.create("f", endpoint="/v1/no"), code="invalid_value")
    refused(openai.BadRequestError, lambda: server.create("f", completion_window="7m"), param="completion_window")
    refused(openai.BadRequestError, lambda: server.create("f", extra_body={"surprise": 1}), code="unknown_parameter")

    done = server.end(server.create(server.upload().id).id)
    server.sent.clear()
    error = refused(openai.ConflictError, lambda: client.batches.cancel(done.id), code=None, param=None)
    assert "Cannot cancel a batch with status 'completed'." in error.message
    assert len(server.sent) == 1, server.sent


def check_unknown_input(server):
    """A batch of a file that does not exist is accepted, and fails with the reason."""
    batch = server.create("file-nothing")
    assert batch.status in ("validating", "failed")
    ended = server.end(batch.id)
    assert ended.status == "failed" and ended.failed_at and ended.errors.object == "list"
    (problem,) = ended.errors.data
    assert (problem.code, problem.param, problem.line) == ("invalid_request", "file_id", None)
    assert ended.output_file_id is None and ended.error_file_id is None


def check_bad_lines(server):
    """Problems of lines come as the SDK's error objects."""
    ended = server.end(server.create(server.upload(lines(2) + b"{}\n" + lines(1)).id).id)
    assert ended.status == "failed"
    found = [(problem.line, problem.code, problem.param) for problem in ended.errors.data]
    required = [(3, "missing_required_parameter", key) for key in ("custom_id", "method", "url", "body")]
    assert found == required + [(4, "duplicate_custom_id", "custom_id")], found


def check_models(server):
    """The probe that many tools begin with."""
    models = list(server.client.models.list())
    assert "batch-test-model" in [model.id for model in models]
    assert server.client.models.retrieve("batch-test-model").object == "model"


def check_repeated_create(server):
    """A create that is repeated, by key or by the SDK's own retry, makes one batch."""
    file = server.upload()
    key = {"Idempotency-Key": "once"}
    first = server.create(file.id, extra_headers=key)
    assert server.create(file.id, extra_headers=key).id == first.id
    server.sent.clear()
    refused(openai.ConflictError, lambda: server.create(file.id, metadata={"other": "body"}, extra_headers=key))
    assert len(server.sent) == 1, server.sent
    second = server.create(file.id)
    assert second.id != first.id
    again = server.create(file.id, extra_headers={"x-stainless-retry-count": "1"})
    assert again.id in (first.id, second.id)


def check_cancel(server):
    """Cancelling a batch that nobody works on; the server has no worker."""
    batch = server.create(server.upload(lines(5)).id)
    asked = server.client.batches.cancel(batch.id)
    assert asked.status in ("cancelling", "cancelled") and asked.cancelling_at
    ended = server.end(batch.id)
    assert ended.status == "cancelled" and ended.cancelled_at and ended.output_file_id is None
    assert server.client.batches.cancel(batch.id) == ended
    if ended.error_file_id:
        rows = [json.loads(line) for line in server.client.files.content(ended.error_file_id).text.splitlines()]
        assert [row["error"]["code"] for row in rows] == ["batch_cancelled"] * 5
        assert all(row["response"] is None for row in rows)


def check_pause(server):
    """Pausing, priority and lane beside OpenAI's own fields; the server has no worker."""
    client = server.client
    batch = server.create(server.upload(lines(5)).id, extra_body={"priority": 5, "lane": "background"})
    assert batch.shardline["priority"] == 5 and batch.shardline["lane"] == "background", batch.shardline
    assert batch.shardline["paused_at"] is None and batch.shardline["parent_batch_id"] is None

    def ask(verb):
        return client.post(f"/batches/{batch.id}/{verb}", cast_to=openai.types.Batch)

    paused = ask("pause")
    assert paused.status in ("validating", "in_progress") and paused.shardline["paused_at"] >= batch.created_at
    assert ask("pause").shardline == paused.shardline
    assert client.batches.retrieve(batch.id).shardline == paused.shardline
    assert ask("resume").shardline["paused_at"] is None
    ask("pause")
    client.batches.cancel(batch.id)
    assert server.end(batch.id).shardline["paused_at"] is None
    server.sent.clear()
    refused(openai.ConflictError, lambda: ask("pause"), code=None, param=None)
    assert len(server.sent) == 1, server.sent
    for extra, code, param in (
        ({"priority": 101}, "integer_above_max_value", "priority"),
        ({"priority": "high"}, "invalid_type", "priority"),
        ({"lane": "live"}, "invalid_value", "lane"),
    ):
        refused(
            openai.BadRequestError, lambda extra=extra: server.create("f", extra_body=extra), code=code, param=param)
    refused(openai.NotFoundError, lambda: client.post("/batches/batch_nothing/pause", cast_to=openai.types.Batch))


def check_retry(server):
    """The lines that a cancelled batch left out become a batch of their own; the server has no worker."""
    client = server.client
    batch = server.create(server.upload(lines(5)).id, metadata={"a": "b"})
    refused(openai.ConflictError, lambda: client.post(f"/batches/{batch.id}/retry", cast_to=openai.types.Batch))
    until = time.monotonic() + DEADLINE_SECONDS
    while client.batches.retrieve(batch.id).status == "validating":
        assert time.monotonic() < until, "the batch was not validated"
        time.sleep(0.05)
    client.batches.cancel(batch.id)
    ended = server.end(batch.id)
    assert ended.error_file_id
    provenance = client.files.content(ended.shardline["provenance_file_id"]).text.splitlines()
    assert [json.loads(line)["result"] for line in provenance] == ["batch_cancelled"] * 5
    child = client.post(f"/batches/{batch.id}/retry", cast_to=openai.types.Batch, body={"priority": -5})
    assert child.id != batch.id and child.input_file_id == batch.input_file_id and child.metadata == {"a": "b"}
    assert child.shardline["parent_batch_id"] == batch.id and child.shardline["priority"] == -5
    client.batches.cancel(child.id)
    assert server.end(child.id).status == "cancelled"


def check_async(server):
    """The asynchronous client, with a base URL that ends in a slash and several calls at once."""

    async def run():
        async with openai.AsyncOpenAI(
            base_url=f"{server.url}/v1/", api_key=server.key, _strict_response_validation=True
        ) as client:
            file = await client.files.create(file=("a.jsonl", lines(3)), purpose="batch")
            creations = (
                client.batches.create(
                    input_file_id=file.id, endpoint="/v1/chat/ds-test", completion_window="24h", metadata={"i": str(i)})
                for i in range(10))
            made = {batch.id for batch in await asyncio.gather(*creations)}
            found = {batch.id async for batch in client.batches.list(limit=4)}
            assert len(made) == 10 and made <= found
            assert (await client.files.content(file.id)).content == lines(3)

    asyncio.run(run())


CHECKS = {name.removeprefix("check_"): check for name, check in globals().items() if name.startswith("check_")}


def main(checks):
    """Runs the check that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=sorted(checks))
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", required=True)
    options = parser.parse_args()
    checks[options.check](Server(options.url, options.key))
    print(f"{options.check}: good", file=sys.stderr)


if __name__ == "__main__":
    main(CHECKS)

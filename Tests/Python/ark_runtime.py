# SPDX-License-Identifier: Apache-2.0
"""Calls Ark's batch chat through the official SDK and prints what the caller meets, as a JSON object.

`calls URL KEY MODEL [ACCESS_KEY SECRET]`: every call there is, each {status, text}: the status of the exception (200
when there was none) and something of the answer.
`example URL KEY MODEL CALLERS TASKS`: the example of Volcengine's document, in Python: so many callers with so many
tasks each; {answers, failures}.
`threads URL KEY MODEL CALLERS`: so many callers at once, each with a request of its own; {answers, failures}. Prints a
line `begun` first.
`retries URL KEY MODEL CALLERS`: so many callers of a model that pushes back; {seconds, answers, failures}.
"""

import asyncio
import json
import sys
import threading
import time

from volcenginesdkarkruntime import Ark, AsyncArk
from volcenginesdkarkruntime._client import StsTokenManager
from volcenginesdkarkruntime._exceptions import ArkAPIStatusError

MESSAGES = [
    {"role": "system", "content": "你是豆包,是由字节跳动开发的 AI 人工智能助手"},
    {"role": "user", "content": "常见的十字花科植物有哪些?"},
]


def met(call):
    """What one call comes to."""
    try:
        return {"status": 200, "text": str(call())}
    except ArkAPIStatusError as error:
        return {
            "status": error.status_code, "text": error.message, "code": error.code,
            "request": error.response.headers.get("x-request-id"),
            "echo": error.response.headers.get("x-client-request-id") == error.request_id,
            "pause": error.response.headers.get("retry-after"),
        }


def chat_text(answer):
    return answer.choices[0].message.content


async def asynchronous(url, key, model):
    client = AsyncArk(base_url=url, api_key=key, timeout=60)
    chat = await client.batch.chat.completions.create(model=model, messages=MESSAGES)
    vectors = await client.batch.embeddings.create(model=model, input=["a", "b"])
    both = await client.batch.multimodal_embeddings.create(model=model, input=[{"type": "text", "text": "a"}])
    return {
        "async chat": {"status": 200, "text": chat_text(chat)},
        "async embeddings": {"status": 200, "text": str(len(vectors.data))},
        "async multimodal": {"status": 200, "text": str(bool(both.data))},
    }


def signing(url, key, secret):
    """A client that has an access key only, and gets API keys from the control plane of the same server."""
    client = Ark(base_url=url, ak=key, sk=secret, timeout=60)
    client._sts_token_manager = StsTokenManager(key, secret, "cn-beijing")
    configuration = client._sts_token_manager.api_instance.api_client.configuration
    configuration.host, configuration.scheme = url.split("//")[1].split("/")[0], "http"
    return client


def calls(url, key, model, access_key=None, secret=None):
    client = Ark(base_url=url, api_key=key, timeout=60)
    chats = client.batch.chat.completions
    found = {
        "chat": lambda: chat_text(chats.create(model=model, messages=MESSAGES, temperature=0.5)),
        "deprecated chat": lambda: chat_text(client.batch_chat.completions.create(model=model, messages=MESSAGES)),
        "embeddings": lambda: len(client.batch.embeddings.create(model=model, input=["a", "b"]).data),
        "multimodal": lambda: bool(
            client.batch.multimodal_embeddings.create(model=model, input=[{"type": "text", "text": "a"}]).data),
        "no messages": lambda: chats.create(model=model, messages=[]),
        "streamed": lambda: chats.create(model=model, messages=MESSAGES, extra_body={"stream": True}),
        "unknown model": lambda: chats.create(model="ep-nobody", messages=MESSAGES),
        "wrong key": lambda: Ark(base_url=url, api_key="wrong", timeout=60).batch.chat.completions.create(
            model=model, messages=MESSAGES),
    }
    if access_key:
        signed = signing(url, access_key, secret)
        endpoint = "ep-" + model
        found["signed"] = lambda: chat_text(
            signed.batch.chat.completions.create(model=endpoint, messages=MESSAGES))
        found["signed again"] = lambda: chat_text(
            signed.batch.chat.completions.create(model=endpoint, messages=MESSAGES))
        found["signed for another"] = lambda: Ark(
            base_url=url, api_key=signed._get_endpoint_sts_token(endpoint), timeout=60
        ).batch.chat.completions.create(model=model, messages=MESSAGES)
    result = {name: met(call) for name, call in found.items()}
    result.update(asyncio.run(asynchronous(url, key, model)))
    return result


def run(callers, work):
    """Runs `work(number)` in so many threads at once."""
    threading.stack_size(256 << 10)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def example(url, key, model, callers, tasks):
    client = Ark(base_url=url, api_key=key, timeout=24 * 3600)
    answers, failures, lock = [], [], threading.Lock()

    def work(index):
        for task in range(tasks):
            try:
                answer = client.batch.chat.completions.create(model=model, messages=MESSAGES)
            except Exception as error:
                with lock:
                    failures.append(f"worker {index} request {task} Fail Err {error}")
                continue
            with lock:
                answers.append(chat_text(answer))

    run(callers, work)
    return {"answers": len(answers), "failures": failures[:10]}


def threads(url, key, model, callers):
    # One client has a thousand connections at most.
    clients = [Ark(base_url=url, api_key=key, timeout=24 * 3600) for _ in range((callers + 999) // 1000)]
    answers, failures = [], []

    def work(index):
        try:
            messages = [{"role": "user", "content": f"request {index}"}]
            answers.append(chat_text(
                clients[index % len(clients)].batch.chat.completions.create(model=model, messages=messages)))
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}")

    print("begun", flush=True)
    run(callers, work)
    return {"answers": len(answers), "failures": failures[:10]}


def retries(url, key, model, callers):
    client = Ark(base_url=url, api_key=key, timeout=120)
    answers, failures = [], []

    def work(index):
        try:
            answers.append(chat_text(client.batch.chat.completions.create(model=model, messages=MESSAGES)))
        except Exception as error:
            failures.append(str(error))

    start = time.monotonic()
    run(callers, work)
    return {"seconds": time.monotonic() - start, "answers": len(answers), "failures": failures}


if __name__ == "__main__":
    mode, *arguments = sys.argv[1:]
    if mode == "calls":
        print(json.dumps(calls(*arguments)))
    elif mode == "example":
        print(json.dumps(example(*arguments[:3], *map(int, arguments[3:]))))
    elif mode == "threads":
        print(json.dumps(threads(*arguments[:3], int(arguments[3]))))
    elif mode == "retries":
        print(json.dumps(retries(*arguments[:3], int(arguments[3]))))
    else:
        sys.exit(f"no such mode: {mode}")

# SPDX-License-Identifier: Apache-2.0
"""Verifies notices with the packages that receivers use.

The argument is a JSON file: a list of {name, body (base64), headers, secret, isGenuine}. Ends with 0 when the official
OpenAI SDK and the reference implementation of Standard Webhooks both judge every notice as `isGenuine` says.
"""

import base64
import json
import sys

import openai
import standardwebhooks


def openai_accepts(notice, body):
    client = openai.OpenAI(api_key="none", webhook_secret=notice["secret"])
    try:
        event = client.webhooks.unwrap(body, notice["headers"])
    except (openai.InvalidWebhookSignatureError, ValueError) as error:
        return False, error
    if (event.id, event.type, event.data.id) != ("evt_1", "batch.completed", "batch_1"):
        raise SystemExit(f"{notice['name']}: the SDK reads another event: {event}")
    return True, None


def standard_accepts(notice, body):
    webhook = standardwebhooks.Webhook(notice["secret"])
    try:
        event = webhook.verify(body, notice["headers"])
    except standardwebhooks.WebhookVerificationError as error:
        return False, error
    if event["data"]["metadata"] != {"note": "naïve — 批处理"}:
        raise SystemExit(f"{notice['name']}: the body reads otherwise: {event}")
    return True, None


def main(path):
    with open(path, encoding="utf-8") as file:
        notices = json.load(file)
    faults = []
    for notice in notices:
        body = base64.b64decode(notice["body"]).decode()
        for accepts in (openai_accepts, standard_accepts):
            verdict, error = accepts(notice, body)
            if verdict != notice["isGenuine"]:
                faults.append(f"{accepts.__name__}({notice['name']}) is {verdict}: {error!r}")
    if faults or not notices:
        raise SystemExit("\n".join(faults) or "no notices")


if __name__ == "__main__":
    main(sys.argv[1])

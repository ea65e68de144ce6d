# SPDX-License-Identifier: Apache-2.0
"""The client that people write by hand: asyncio, an HTTP library, and so many tasks.

    asyncio_client.py INPUT OUTPUT BASE_URL CONCURRENCY

Sends the body of every line and writes the results as they come, in any order. No checks, no repeats, no resume: what
`batchd bench run --other` compares `batchctl run` with.
"""
import asyncio
import json
import sys

import httpx2


async def work(lines, results, client, root):
    """Sends lines until there are none left."""
    for text in lines:
        line = json.loads(text)
        response = await client.post(root + line["url"], json=line["body"])
        body = {"status_code": response.status_code, "body": response.json()}
        results.write(json.dumps({"custom_id": line["custom_id"], "response": body}) + "\n")


async def main(input_path, output_path, base_url, concurrency):
    count = int(concurrency)
    limits = httpx2.Limits(max_connections=count, max_keepalive_connections=count)
    async with httpx2.AsyncClient(limits=limits, timeout=600) as client:
        with open(input_path, encoding="utf-8") as lines, open(output_path, "w", encoding="utf-8") as results:
            root = base_url.removesuffix("/v1")
            await asyncio.gather(*(work(lines, results, client, root) for _ in range(count)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

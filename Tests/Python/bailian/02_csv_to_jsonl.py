# SPDX-License-Identifier: Apache-2.0
"""Requests of a table whose columns are custom_id and content."""
import csv
import json

with open("input_demo.csv", "r") as source, open("input_demo.jsonl", "w", encoding="utf-8") as target:
    for row in csv.reader(source):
        messages = [{"role": "system", "content": "You are a helpful assistant."},
                    {"role": "user", "content": row[1]}]
        request = {"custom_id": row[0], "method": "POST", "url": "/v1/chat/completions",
                   "body": {"model": "qwen-turbo", "messages": messages}}
        target.write(json.dumps(request, separators=(",", ":"), ensure_ascii=False) + "\n")

# SPDX-License-Identifier: Apache-2.0
"""A table of results."""
import csv
import json

COLUMNS = {
    "custom_id": ["custom_id"],
    "model": ["response", "body", "model"],
    "request_id": ["response", "request_id"],
    "status_code": ["response", "status_code"],
    "error_code": ["error", "error_code"],
    "error_message": ["error", "error_message"],
    "created": ["response", "body", "created"],
    "content": ["response", "body", "choices", 0, "message", "content"],
    "usage": ["response", "body", "usage"],
}


def value(result, path):
    """What lies at the end of a path, or nothing."""
    try:
        for step in path:
            result = result[step]
        return result
    except (KeyError, IndexError, TypeError):
        return None


with open("result.jsonl", "r") as source, open("result.csv", "w", encoding="utf-8") as target:
    writer = csv.writer(target)
    writer.writerow(list(COLUMNS))
    for line in source:
        result = json.loads(line)
        writer.writerow([value(result, path) for path in COLUMNS.values()])

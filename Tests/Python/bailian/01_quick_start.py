# SPDX-License-Identifier: Apache-2.0
"""The whole way with the test model: upload, create, poll, download results and errors."""
import os
import time
from pathlib import Path

from openai import OpenAI

client = OpenAI(
    api_key=os.getenv("DASHSCOPE_API_KEY"),
    base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
)

file_object = client.files.create(file=Path("test_model.jsonl"), purpose="batch")
batch = client.batches.create(
    input_file_id=file_object.id, endpoint="/v1/chat/ds-test", completion_window="24h")
status = ""
while status not in ["completed", "failed", "expired", "cancelled"]:
    status = client.batches.retrieve(batch_id=batch.id).status
    print(status)
    time.sleep(1)
batch = client.batches.retrieve(batch.id)
if status == "failed":
    print(batch.errors)
if batch.output_file_id:
    content = client.files.content(batch.output_file_id)
    print(content.text[:1000])
    content.write_to_file("result.jsonl")
if batch.error_file_id:
    content = client.files.content(batch.error_file_id)
    print(content.text[:1000])
    content.write_to_file("error.jsonl")

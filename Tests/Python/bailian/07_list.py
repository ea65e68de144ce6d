# SPDX-License-Identifier: Apache-2.0
"""Batches are listed with every filter there is."""
import os

from openai import OpenAI

client = OpenAI(
    api_key=os.getenv("DASHSCOPE_API_KEY"),
    base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
)
batches = client.batches.list(
    after="batch_xxx", limit=2,
    extra_query={
        "ds_name": "任务名称", "input_file_ids": "file-batch-xxx,file-batch-xxx", "status": "completed,expired",
        "create_after": "20250304000000", "create_before": "20250306123000"})
print(batches)

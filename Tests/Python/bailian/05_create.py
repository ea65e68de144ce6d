# SPDX-License-Identifier: Apache-2.0
"""A batch is created, with a name and a description."""
import os

from openai import OpenAI

client = OpenAI(
    api_key=os.getenv("DASHSCOPE_API_KEY"),
    base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
)
batch = client.batches.create(
    input_file_id="file-batch-xxx",
    endpoint="/v1/chat/completions",
    completion_window="24h",
    metadata={"ds_name": "任务名称", "ds_description": "任务描述"},
)
print(batch)

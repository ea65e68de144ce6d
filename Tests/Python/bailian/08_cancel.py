# SPDX-License-Identifier: Apache-2.0
"""A batch is cancelled."""
import os

from openai import OpenAI

client = OpenAI(
    api_key=os.getenv("DASHSCOPE_API_KEY"),
    base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
)
batch = client.batches.cancel("batch_id")
print(batch)

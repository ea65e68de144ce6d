# SPDX-License-Identifier: Apache-2.0
"""Results are downloaded."""
import os

from openai import OpenAI

client = OpenAI(
    api_key=os.getenv("DASHSCOPE_API_KEY"),
    base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
)
content = client.files.content(file_id="file-batch_output-xxx")
print(content.text)
content.write_to_file("result.jsonl")

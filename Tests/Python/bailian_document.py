# SPDX-License-Identifier: Apache-2.0
"""Runs the examples of Bailian's document against a server:
`bailian_document.py --url http://127.0.0.1:PORT --key KEY --backend http://127.0.0.1:PORT --batchctl PATH`.

The examples are the files of `bailian/`: the document's calls in the document's order. With `--document PATH`, a copy
of the document itself, its own scripts are run instead, character by character. Only host and key are changed, and the
ids that the document leaves open (`batch_xxx` and the like) are filled in; files lie where the scripts look for them.

The server needs a backend that serves `qwen-plus` and can be held (scripted_backend.py). Exit code 0: every example
did what the document says.
"""
import argparse
import ast
import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

HOST = "https://dashscope.aliyuncs.com/compatible-mode/v1"
PREFIX = "/compatible-mode/v1"
EXAMPLES = ["quick_start", "csv_to_jsonl", "jsonl_to_csv", "upload", "create", "retrieve", "list", "cancel", "download"]
QUESTIONS = ["你好!有什么可以帮助你的吗?", "What is 2+2?"]


def requests(model, url):
    """An input file as the document shows it."""
    lines = []
    for number, question in enumerate(QUESTIONS, 1):
        messages = [{"role": "system", "content": "You are a helpful assistant."},
                    {"role": "user", "content": question}]
        lines.append({"custom_id": str(number), "method": "POST", "url": url,
                      "body": {"model": model, "messages": messages}})
    return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)


def examples(document):
    """The scripts by name."""
    if document is None:
        folder = pathlib.Path(__file__).parent / "bailian"
        texts = [path.read_text() for path in sorted(folder.glob("*.py"))]
    else:
        fenced = re.findall(r"```python\n(.*?)```", pathlib.Path(document).read_text(), re.S)
        # One-line fragments that only show a value are no scripts.
        texts = [text for text in map(plain, fenced) if "import " in text]
    assert len(texts) == len(EXAMPLES), f"{len(texts)} scripts"
    return dict(zip(EXAMPLES, texts))


def plain(text):
    """A script without the lines of nothing, or of table frames, that copies of the document put between others."""
    return "\n".join(line for line in text.split("\n") if line.strip("| \t"))


class Examples:
    """The scripts, the folder they run in, and the server."""

    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, pathlib.Path(folder)
        self.scripts = examples(arguments.document)

    def run(self, name, **ids):
        """Runs a script and returns what it prints."""
        text = self.scripts[name].replace(HOST, self.arguments.url + PREFIX)
        for placeholder, value in ids.items():
            text = text.replace(f'"{placeholder.replace("_dash_", "-")}"', f'"{value}"')
        if "files" in ids:
            text = text.replace("file-batch-xxx,file-batch-xxx", ids["files"])
        path = self.folder / f"{name}.py"
        path.write_text(text)
        environment = {**os.environ, "DASHSCOPE_API_KEY": self.arguments.key, "NO_PROXY": "127.0.0.1",
                       "PYTHONUTF8": "1"}
        done = subprocess.run(
            [sys.executable, str(path)], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{name}: {done.stdout}\n{done.stderr}"
        assert "An error occurred" not in done.stdout, f"{name}: {done.stdout}"
        return done.stdout

    def get(self, path):
        """An object of the server."""
        request = urllib.request.Request(
            self.arguments.url + PREFIX + path, headers={"Authorization": f"Bearer {self.arguments.key}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def end(self, batch):
        """A batch once it is terminal."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            found = self.get(f"/batches/{batch}")
            if found["status"] in ("completed", "failed", "expired", "cancelled"):
                return found
            time.sleep(0.05)
        raise AssertionError(f"{batch} did not end")

    def backend(self, verb):
        """Tells the backend to hold calls, or to go on."""
        urllib.request.urlopen(
            urllib.request.Request(f"{self.arguments.backend}/control/{verb}", method="POST"), timeout=30).close()

    def convert(self, *arguments):
        """Runs batchctl convert."""
        subprocess.run([self.arguments.batchctl, "convert", *arguments], cwd=self.folder, check=True, timeout=60)

    def read(self, name):
        return (self.folder / name).read_text(encoding="utf-8")


def check_quick_start(all):
    """The closed circle with the test model."""
    (all.folder / "test_model.jsonl").write_text(requests("batch-test-model", "/v1/chat/ds-test"), encoding="utf-8")
    printed = all.run("quick_start")
    assert "completed" in printed, printed
    results = [json.loads(line) for line in all.read("result.jsonl").splitlines()]
    assert [result["custom_id"] for result in results] == ["1", "2"]
    for result in results:
        body = result["response"]["body"]
        assert body["choices"][0]["message"]["content"] == "This is a test result.", result
        assert body["usage"] == {"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26}, result
        assert body["model"] == "batch-test-model" and result["error"] is None, result
    assert not (all.folder / "error.jsonl").exists()


def check_spreadsheets(all):
    """The two conversions, and that batchctl makes the same of the same."""
    with open(all.folder / "input_demo.csv", "w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows(
            [["1", QUESTIONS[0]], ["题 2", 'two\nlines, and "quotes"\\\t'], ["3", ""], ["4", "=1+1 😀", "more"]])
    all.run("csv_to_jsonl")
    all.convert("csv-to-jsonl", "input_demo.csv", "ours.jsonl", "--model", "qwen-turbo")
    assert all.read("ours.jsonl") == all.read("input_demo.jsonl")
    all.run("jsonl_to_csv")
    all.convert("jsonl-to-csv", "result.jsonl", "ours.csv")
    tables = []
    for name in ("result.csv", "ours.csv"):
        with open(all.folder / name, encoding="utf-8", newline="") as source:
            tables.append(list(csv.reader(source)))
    theirs, ours = tables
    assert theirs[0] == ours[0] and len(theirs) == len(ours) == 3, tables
    for left, right in zip(theirs[1:], ours[1:]):
        # Theirs has Python's notation of the usage, ours JSON.
        assert left[:-1] == right[:-1] and ast.literal_eval(left[-1]) == json.loads(right[-1]), (left, right)


def check_calls(all):
    """Upload, create, retrieve, list, cancel, download."""
    (all.folder / "test.jsonl").write_text(requests("qwen-plus", "/v1/chat/completions"), encoding="utf-8")
    file = json.loads(all.run("upload"))
    assert file["id"].startswith("file-batch-") and file["status"] == "processed", file
    assert file["purpose"] == "batch" and file["filename"] == "test.jsonl" and file["object"] == "file", file
    assert file["bytes"] == (all.folder / "test.jsonl").stat().st_size and file["status_details"] is None, file
    created = [re.search(r"id='(batch_\w+)'", all.run("create", **{"file_dash_batch_dash_xxx": file["id"]}))[1]
               for _ in range(2)]
    ended = [all.end(batch) for batch in created]
    for batch in ended:
        assert batch["status"] == "completed" and batch["input_file_id"] == file["id"], batch
        assert batch["metadata"] == {"ds_name": "任务名称", "ds_description": "任务描述"}, batch
        assert batch["output_file_id"].startswith("file-batch_output-") and batch["error_file_id"] is None, batch
    printed = all.run("retrieve", batch_id=created[0])
    assert created[0] in printed and "status='completed'" in printed, printed
    printed = all.run("list", batch_xxx=created[1], files=f"{file['id']},file-batch-none")
    # The moments that the document names are long gone.
    assert "data=[]" in printed and "has_more=False" in printed, printed
    all.scripts["list"] = all.scripts["list"].replace("20250306123000", "20991231235959").replace(
        "20250304000000", "20260101000000")
    printed = all.run("list", batch_xxx=created[1], files=f"{file['id']},file-batch-none")
    assert created[0] in printed and created[1] not in printed, printed
    printed = all.run("download", **{"file_dash_batch_output_dash_xxx": ended[0]["output_file_id"]})
    assert [json.loads(line)["custom_id"] for line in all.read("result.jsonl").splitlines()] == ["1", "2"], printed
    all.backend("hold")
    try:
        held = re.search(r"id='(batch_\w+)'", all.run("create", **{"file_dash_batch_dash_xxx": file["id"]}))[1]
        printed = all.run("cancel", batch_id=held)
        assert held in printed and re.search("status='cancell(ing|ed)'", printed), printed
    finally:
        all.backend("release")
    assert all.end(held)["status"] == "cancelled"


def main():
    parser = argparse.ArgumentParser()
    for name in ("--url", "--key", "--backend", "--batchctl"):
        parser.add_argument(name, required=True)
    parser.add_argument("--document")
    with tempfile.TemporaryDirectory() as folder:
        all = Examples(parser.parse_args(), folder)
        for check in (check_quick_start, check_spreadsheets, check_calls):
            check(all)


if __name__ == "__main__":
    main()

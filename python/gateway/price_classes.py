"""Classes of size by which providers price models that they do not list."""

from __future__ import annotations

import re


def fireworks(model: str) -> str:
    """The class of size that Fireworks prices a model by that it does not list."""
    name = model.lower()
    if experts := re.search(r"(\d+)x(\d+)b", name):
        size = int(experts[1]) * int(experts[2])
        if size <= 56:
            return "fireworks-ai-moe-up-to-56b"
        if size <= 176:
            return "fireworks-ai-56b-to-176b"
    if plain := re.search(r"(\d+)b", name):
        size = int(plain[1])
        if size <= 4:
            return "fireworks-ai-up-to-4b"
        return "fireworks-ai-4.1b-to-16b" if size <= 16 else "fireworks-ai-above-16b"
    return "fireworks-ai-default"


def together(model: str, call_type: str) -> str:
    """The class of size that Together prices a model by that it does not list."""
    name = model.lower()
    if call_type in ("embedding", "aembedding"):
        classes = [(150, "together-ai-embedding-up-to-150m"), (350, "together-ai-embedding-151m-to-350m")]
        found = re.search(r"(\d+)m", name)
    else:
        classes = [
            (4, "together-ai-up-to-4b"),
            (8, "together-ai-4.1b-8b"),
            (21, "together-ai-8.1b-21b"),
            (41, "together-ai-21.1b-41b"),
            (80, "together-ai-41.1b-80b"),
            (110, "together-ai-81.1b-110b"),
        ]
        found = re.search(r"(\d+)b", name)
    if found:
        for size, label in classes:
            if int(found[1]) <= size:
                return label
    return name

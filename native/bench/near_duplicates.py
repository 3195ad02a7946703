"""Near-duplicates with other libraries, one JSON line each: python near_duplicates.py texts.json 0.8

Called by bench/near-duplicates.ts. Needs rensa, datasketch or datatrove; one that is missing is a line that says so.
Word 5-grams, 128 permutations, CPU seconds of the process, grams included, as ours are.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

PERMUTATIONS = 128
GRAM = 5


def grams(text: str) -> list[str]:
    words = text.split()
    if len(words) < GRAM:
        return [" ".join(words)]
    return [" ".join(words[at : at + GRAM]) for at in range(len(words) - GRAM + 1)]


def similar_pairs(index: Any, signatures: list[Any], least: float, verify: bool) -> Iterable[tuple[int, int]]:
    """What an LSH index of rensa or datasketch proposes, and with `verify` estimates to be similar enough."""
    for at, signature in enumerate(signatures):
        for other in index.query(signature):
            if not verify or signature.jaccard(signatures[other]) >= least:
                yield other, at
        index.insert(at, signature)


def smallest(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """The smallest member of each text's cluster."""
    parent = list(range(count))

    def find(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for a, b in pairs:
        one, other = sorted((find(a), find(b)))
        parent[other] = one
    return [find(at) for at in range(count)]


def rensa(texts: list[str], least: float, verify: bool) -> list[int]:
    from rensa import RMinHash, RMinHashLSH

    signatures = []
    for text in texts:
        signature = RMinHash(num_perm=PERMUTATIONS, seed=42)
        signature.update(grams(text))
        signatures.append(signature)
    index = RMinHashLSH(threshold=least, num_perm=PERMUTATIONS, num_bands=16)

    return smallest(len(texts), similar_pairs(index, signatures, least, verify))


def datasketch(texts: list[str], least: float, verify: bool) -> list[int]:
    from datasketch import MinHash, MinHashLSH

    signatures = []
    for text in texts:
        signature = MinHash(num_perm=PERMUTATIONS)
        signature.update_batch([gram.encode() for gram in grams(text)])
        signatures.append(signature)
    index = MinHashLSH(threshold=least, num_perm=PERMUTATIONS)

    return smallest(len(texts), similar_pairs(index, signatures, least, verify))


def datatrove(texts: list[str], least: float, verify: bool) -> list[int]:
    """Signatures and buckets with its defaults (14 x 8, 5-grams); its clusters are the connected candidates."""
    import contextlib
    import logging

    from datatrove.data import Document
    from datatrove.pipeline.dedup.minhash import MinhashDedupBuckets, MinhashDedupSignature
    from datatrove.utils.text import TextNormConfig  # noqa: F401 (part of the import time that its users pay)

    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        signing = MinhashDedupSignature(output_folder=f"{folder}/signatures")
        signing.run((Document(text=text, id=str(at)) for at, text in enumerate(texts)), rank=0, world_size=1)
        for bucket in range(signing.config.num_buckets):
            MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets").run(
                rank=bucket, world_size=signing.config.num_buckets
            )
        import struct

        found = []
        for file in sorted(Path(folder, "buckets").rglob("*.dups")):
            found += [(a, b) for _, a, _, b in struct.iter_unpack("<4I", file.read_bytes())]
    return smallest(len(texts), found)


def main(file: str, least: float) -> None:
    texts = json.loads(Path(file).read_text())
    tools: list[tuple[str, Callable[[list[str], float, bool], list[int]], bool]] = [
        ("rensa, candidates", rensa, False),
        ("rensa, estimate >= threshold", rensa, True),
        ("datasketch, candidates", datasketch, False),
        ("datasketch, estimate >= threshold", datasketch, True),
        ("datatrove, defaults", datatrove, False),
    ]
    for name, tool, verify in tools:
        try:
            tool(texts[:10], least, verify)  # imports and models
            start = time.process_time()
            clusters = tool(texts, least, verify)
            print(json.dumps({"tool": name, "seconds": time.process_time() - start, "clusters": clusters}), flush=True)
        except ImportError as error:
            print(json.dumps({"tool": name, "skipped": str(error)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))

"""MinHash kernels, compiled by Numba: tokens, shingles, signatures, band keys, greedy clustering.

Numba was chosen by measurement (benchmarks/dedup_engines.py): for 128 permutations on hashed
shingles the loop below is faster than the libraries once their signatures are in an array, and its
permutations are independent, so that the textbook S-curve is its recall. Everything here is
integer arithmetic modulo 2**64: equal on every machine, and leaves the interpreter to other threads
meanwhile. Import this module late: it needs Numba.
"""

import hashlib
from collections.abc import Mapping

import numba
import numpy as np

_OFFSET = np.uint64(0xCBF29CE484222325)  # FNV-1a, 64 bits
_PRIME = np.uint64(0x100000001B3)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)  # SplitMix64's finaliser
_MIX_2 = np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SEPARATOR, _LETTER, _DIGIT, _OPERATOR = 0, 1, 2, 3


def _byte_classes() -> np.ndarray:
    classes = np.zeros(256, np.uint8)
    classes[0x80:] = _LETTER
    for start, end, kind in (("A", "Z", _LETTER), ("a", "z", _LETTER), ("0", "9", _DIGIT)):
        classes[ord(start) : ord(end) + 1] = kind
    for sign in "+-/=<>^%":
        classes[ord(sign)] = _OPERATOR
    return classes


_CLASSES = _byte_classes()
_JOINERS = np.array([c in b"-/" for c in range(256)])
_BACKSLASH, _PERCENT, _LESS, _GREATER, _EQUALS = (np.uint8(c) for c in b"\\%<>=")


@numba.njit(cache=True, nogil=True)
def _mix(x: np.uint64) -> np.uint64:
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


@numba.njit(cache=True, nogil=True)
def word_hash(word: np.ndarray) -> np.uint64:
    """Return the 64-bit hash of a word's UTF-8 bytes (uint8), ASCII letters lowered."""
    value = _OFFSET
    for byte in word:
        if np.uint8(65) <= byte <= np.uint8(90):
            byte = np.uint8(byte + 32)
        value = (value ^ np.uint64(byte)) * _PRIME
    return _mix(value)


@numba.njit(cache=True, nogil=True)
def _tokenise(data: np.ndarray, commands: np.ndarray, meanings: np.ndarray, signs: np.ndarray, out: np.ndarray) -> int:
    """Write the token hashes of one folded text (bytes) to `out`; return their number. Rules: see text.py."""
    n, i, end = 0, 0, len(data)
    while i < end:
        byte = data[i]
        kind = _CLASSES[byte]
        start = i
        i += 1
        if kind == _LETTER or kind == _DIGIT:
            while i < end and _CLASSES[data[i]] == kind:
                i += 1
            out[n] = word_hash(data[start:i])
            n += 1
        elif kind == _OPERATOR:
            if byte == _PERCENT or i == end or data[i] != _EQUALS or (byte != _LESS and byte != _GREATER):
                between = (
                    start > 0 and i < end and _CLASSES[data[start - 1]] == _LETTER and _CLASSES[data[i]] == _LETTER
                )
                if not (between and _JOINERS[byte]):
                    out[n] = word_hash(data[start:i])
                    n += 1
            else:  # "<=" and ">=" are the commands \le and \ge
                out[n] = signs[0] if byte == _LESS else signs[1]
                n += 1
                i += 1
        elif byte == _BACKSLASH and i < end:
            if data[i] >= 0x80:  # commands have ASCII names: before any other letter a backslash says nothing
                continue
            if _CLASSES[data[i]] != _LETTER:
                i += data[i] != _PERCENT
                continue
            while i < end and _CLASSES[data[i]] == _LETTER and data[i] < 0x80:
                i += 1
            value = word_hash(data[start + 1 : i])
            at = np.searchsorted(commands, value)
            if at < len(commands) and commands[at] == value:
                value = meanings[at]
            if value != 0:
                out[n] = value
                n += 1
    return n


@numba.njit(cache=True, nogil=True)
def _shingles(
    data: np.ndarray, starts: np.ndarray, size: int, commands: np.ndarray, meanings: np.ndarray, signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    texts = len(starts) - 1
    ends = np.empty(texts, np.int64)  # of the texts' tokens
    tokens = np.empty(1024, np.uint64)
    rooms = filled = 0
    for i in range(texts):
        text = data[starts[i] : starts[i + 1]]
        if filled + len(text) > len(tokens):  # a token has a byte at least
            more = np.empty(2 * (filled + len(text)), np.uint64)
            more[:filled] = tokens[:filled]
            tokens = more
        count = _tokenise(text, commands, meanings, signs, tokens[filled:])
        filled += count
        ends[i] = filled
        rooms += max(count - size + 1, 1) if count else 0
    hashes = np.empty(rooms, np.uint64)
    offsets = np.zeros(texts + 1, np.int64)
    first = filled = 0
    for i in range(texts):
        count = ends[i] - first
        width = min(count, size)
        found = hashes[filled : filled + (max(count - size + 1, 1) if count else 0)]
        for j in range(len(found)):
            value = np.uint64(width)
            for k in range(width):
                value = _mix((value * _GOLDEN) ^ tokens[first + j + k])
            found[j] = value
        found.sort()
        for j in range(len(found)):
            if j == 0 or found[j] != hashes[filled - 1]:
                hashes[filled] = found[j]
                filled += 1
        first = ends[i]
        offsets[i + 1] = filled
    return hashes[:filled].copy(), offsets


def shingles(
    data: np.ndarray, starts: np.ndarray, size: int, meanings: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted, distinct shingle hashes of many texts.

    Args:
        data: UTF-8 bytes (uint8) of all texts, Unicode already folded.
        starts: int64 [n + 1], text i is data[starts[i]:starts[i + 1]].
        size: tokens in a shingle.
        meanings: LaTeX commands that stand for another token, or for none ("").

    Returns:
        hashes (uint64) and offsets (int64 [n + 1]) into them.
    """

    def hashed(name: str) -> int:
        return int(word_hash(np.frombuffer(name.encode(), np.uint8)))

    table = {hashed(name): hashed(meaning) if meaning else 0 for name, meaning in meanings.items()}
    commands = np.array(sorted(table), np.uint64)
    values = np.array([table[int(c)] for c in commands], np.uint64)
    signs = np.array([hashed("le"), hashed("ge")], np.uint64)
    return _shingles(data, starts, size, commands, values, signs)


def permutations(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the multipliers (odd) and summands, uint64 [count], of `count` hash functions."""
    stream = hashlib.shake_256(f"minhash:{seed}".encode()).digest(16 * count)
    numbers = np.frombuffer(stream, "<u8").reshape(2, count).astype(np.uint64)
    return numbers[0] | np.uint64(1), numbers[1]


@numba.njit(cache=True, nogil=True)
def signatures(hashes: np.ndarray, offsets: np.ndarray, factors: np.ndarray, summands: np.ndarray) -> np.ndarray:
    """Return the MinHash signatures, uint32 [n, permutations], of n sets of hashes.

    A permutation is multiply-add-shift on 64 bits (Dietzfelbinger 1996), of which the upper 32 bits
    are kept. An empty set's signature is all ones.
    """
    n, width = len(offsets) - 1, len(factors)
    out = np.full((n, width), np.uint32(0xFFFFFFFF), np.uint32)
    for i in range(n):
        for j in range(offsets[i], offsets[i + 1]):
            x = hashes[j]
            for k in range(width):
                out[i, k] = min(out[i, k], np.uint32((x * factors[k] + summands[k]) >> np.uint64(32)))
    return out


@numba.njit(cache=True, nogil=True)
def band_keys(signature: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """Return uint64 [bands, n]: the hash of each band of `rows` slots of signatures, uint32 [n, ≥ bands * rows]."""
    n = len(signature)
    keys = np.empty((bands, n), np.uint64)
    for i in range(n):
        for band in range(bands):
            value = np.uint64(band)
            for k in range(band * rows, (band + 1) * rows):
                value = _mix((value * _GOLDEN) ^ np.uint64(signature[i, k]))
            keys[band, i] = value
    return keys


@numba.njit(cache=True, nogil=True)
def jaccard(first: np.ndarray, second: np.ndarray) -> float:
    """Return |A ∩ B| / |A ∪ B| of two sorted arrays of distinct hashes; 0 where both are empty."""
    i = j = common = 0
    while i < len(first) and j < len(second):
        if first[i] < second[j]:
            i += 1
        elif first[i] > second[j]:
            j += 1
        else:
            common += 1
            i += 1
            j += 1
    union = len(first) + len(second) - common
    return common / union if union else 0.0


@numba.njit(cache=True, nogil=True)
def leaders(
    order: np.ndarray,
    buckets: np.ndarray,
    n_buckets: int,
    hashes: np.ndarray,
    offsets: np.ndarray,
    threshold: float,
    limit: int,
    parts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Cluster greedily: in order of preference a row joins its most similar kept candidate, or is kept.

    Args:
        order: row numbers, the best copy first.
        buckets: int32 [bands, n], the row's bucket in each band, -1 where it is alone there; no two
            bands share a bucket.
        hashes, offsets: the rows' shingles.
        threshold: the least Jaccard similarity, inclusive; 0 takes every candidate.
        limit: a row is compared with at most so many kept rows of a bucket, the latest first, so
            that boilerplate shared by a whole subset cannot make the work quadratic.
        parts: int32 [n], rows of one part are not compared.

    Returns:
        leader (int32 [n], the kept row that it duplicates, itself where kept), similarity
        (float64 [n], 1 where kept) and how many buckets met the limit.
    """
    bands, n = buckets.shape
    leader = np.full(n, -1, np.int32)
    similarity = np.ones(n, np.float64)
    rank = np.empty(n, np.int32)
    for place in range(n):
        rank[order[place]] = place
    head = np.full(n_buckets, -1, np.int32)  # the latest kept row of a bucket
    before = np.full((bands, n), -1, np.int32)  # the kept row before it
    seen = np.full(n, -1, np.int32)
    overfull = np.zeros(n_buckets, np.bool_)
    for row in order:
        own = hashes[offsets[row] : offsets[row + 1]]
        best, best_row = -1.0, -1
        for band in range(bands):
            bucket = buckets[band, row]
            if bucket < 0 or best == 1.0:
                continue
            other, visited = head[bucket], 0
            while other >= 0:
                if visited == limit:
                    overfull[bucket] = True
                    break
                visited += 1
                if seen[other] != row and parts[other] != parts[row]:
                    seen[other] = row
                    size = offsets[other + 1] - offsets[other]
                    bound = min(len(own), size) / max(len(own), size)
                    if bound >= threshold and bound >= best:
                        value = jaccard(own, hashes[offsets[other] : offsets[other + 1]])
                        if value >= threshold and (value > best or (value == best and rank[other] < rank[best_row])):
                            best, best_row = value, other
                other = before[band, other]
        if best_row >= 0:
            leader[row], similarity[row] = best_row, best
            continue
        leader[row] = row
        for band in range(bands):
            bucket = buckets[band, row]
            if bucket >= 0:
                before[band, row] = head[bucket]
                head[bucket] = row
    return leader, similarity, overfull.sum()

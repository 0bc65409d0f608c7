"""Ids: content hashes, and the shard that an id belongs to."""

import hashlib


def content_id(*parts: str) -> str:
    """Return 16 hex digits of SHA-256 over the parts, unambiguous in how they are split."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:16]


def shard_of(identifier: str, shards: int) -> int:
    """Return the shard, 0 ≤ shard < shards, that an id belongs to, whatever other ids exist."""
    return int(hashlib.sha256(identifier.encode()).hexdigest()[:15], 16) % shards

"""Sessions of TLS 1.3 sealed here, for each suite, with a key update: docs/proof/check.py opens them, and not when a bit changes."""

import importlib.util
import struct
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand


def record(kind, body):
    return struct.pack(">BHH", kind, 0x0303, len(body)) + body


def label(hash, secret, name, length):
    name = b"tls13 " + name
    info = struct.pack(">H", length) + bytes([len(name)]) + name + b"\0"
    return HKDFExpand(algorithm=hash, length=length, info=info).derive(secret)


def sealed(cipher, size, hash, secret, number, plain):
    iv = label(hash, secret, b"iv", 12)
    nonce = bytes(a ^ b for a, b in zip(iv, number.to_bytes(12, "big")))
    header = struct.pack(">BHH", 23, 0x0303, len(plain) + 16)
    return header + cipher(label(hash, secret, b"key", size)).encrypt(nonce, plain, header)


spec = importlib.util.spec_from_file_location("check", sys.argv[1])
check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check)
for suite, cipher, size, hash in ((1, AESGCM, 16, SHA256()), (2, AESGCM, 32, SHA384()), (3, ChaCha20Poly1305, 32, SHA256())):
    secret = bytes([7]) * hash.digest_size
    following = label(hash, secret, b"traffic upd", hash.digest_size)
    seal = lambda secret, number, plain: sealed(cipher, size, hash, secret, number, plain)
    server = record(22, b"\2\0\0\50\3\3" + b"\x08" * 32 + bytes([1, 7, 0x13, suite, 0]))
    client = record(22, b"\1\0\0\42\3\3" + b"\x09" * 32) + record(20, b"\1") + record(23, b"under another key, longer than a tag")
    client += seal(secret, 0, b"one\x17\0\0") + seal(secret, 1, b"\x18\0\0\1\0\x16") + seal(following, 0, b", two\x17")
    keys = f"CLIENT_TRAFFIC_SECRET_0 {'09' * 32} {secret.hex()}\n".encode()
    assert check.tls(client, server, keys) == b"one, two", suite
    changed = client[:-1] + bytes([client[-1] ^ 1])
    for broken, log in ((changed, keys), (client, b"")):
        try:
            check.tls(broken, server, log)
        except check.Refused:
            continue
        raise AssertionError(f"suite {suite} opens what was changed")
print("3 suites")

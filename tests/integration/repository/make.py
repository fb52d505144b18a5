#!/usr/bin/env python3
"""Makes the repository in this folder: all kinds of keys, root at version 12, delegations three deep.

Written against the TUF specification alone and sharing no line with the client, so that both can be wrong only
separately. Its files are committed; run it again (python3-cryptography) only to change what it holds.
"""
import hashlib
import json
import pathlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

FOLDER = pathlib.Path(__file__).parent
EXPIRES = "2099-01-01T00:00:00Z"
LAST_ROOT = 12


def canonical(value):
    """OLPC canonical JSON: keys sorted, no blanks, only the quote and the backslash escaped."""
    if isinstance(value, dict):
        return "{" + ",".join(canonical(k) + ":" + canonical(value[k]) for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(v) for v in value) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None or isinstance(value, bool):
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


class Key:
    def __init__(self, kind, note):
        if kind == "ed25519":
            self.private, scheme = ed25519.Ed25519PrivateKey.generate(), "ed25519"
        elif kind == "ecdsa":
            self.private, scheme = ec.generate_private_key(ec.SECP256R1()), "ecdsa-sha2-nistp256"
        else:
            self.private, scheme = rsa.generate_private_key(65537, 3072), "rsassa-pss-sha256"
        public = self.private.public_key()
        if kind == "ed25519":
            text = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()
        else:
            text = public.public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            ).decode()
        self.kind = kind
        self.description = {"keytype": kind, "scheme": scheme, "keyval": {"public": text}, "x-note": note}
        self.id = hashlib.sha256(canonical(self.description).encode()).hexdigest()

    def sign(self, data):
        if self.kind == "ed25519":
            return self.private.sign(data).hex()
        if self.kind == "ecdsa":
            return self.private.sign(data, ec.ECDSA(hashes.SHA256())).hex()
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return self.private.sign(data, pss, hashes.SHA256()).hex()


def write(name, part, keys):
    data = canonical(part).encode()
    signatures = [{"keyid": key.id, "sig": key.sign(data)} for key in keys]
    text = json.dumps({"signatures": signatures, "signed": part}, ensure_ascii=False, indent=1) + "\n"
    path = FOLDER / "metadata" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    content = text.encode()
    return {"length": len(content), "hashes": {"sha512": hashlib.sha512(content).hexdigest()}}


def part(kind, version, **members):
    return {"_type": kind, "spec_version": "1.0.34", "version": version, "expires": EXPIRES, **members}


def role(keys, threshold):
    return {"keyids": [key.id for key in keys], "threshold": threshold}


def targets(names):
    listed = {}
    for name, content in names.items():
        digest = hashlib.sha256(content).hexdigest()
        listed[name] = {"length": len(content), "hashes": {"sha256": digest}, "custom": {"größe": "\"\\"}}
        folder, _, last = name.rpartition("/")
        path = FOLDER / "targets" / folder / f"{digest}.{last}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return listed


def delegations(child, keys, threshold, **paths):
    return {
        "keys": {key.id: key.description for key in keys},
        "roles": [{"name": child, "terminating": False, **role(keys, threshold), **paths}],
    }


def main():
    rsa_key = Key("rsa", "shared, since an RSA key takes a while to make")
    holders = {
        "timestamp": [rsa_key],
        "snapshot": [Key("ed25519", "snapshot")],
        "targets": [Key("ecdsa", "first"), rsa_key, Key("ed25519", "third ö")],
    }
    before = []
    for version in range(1, LAST_ROOT + 1):
        # Everybody is replaced at each step, and the threshold changes to and fro.
        now = [Key("ecdsa" if version % 2 else "ed25519", f"root {version}"), Key("ed25519", "second")]
        if version % 4 == 0:
            now.append(rsa_key)
        threshold = 2 if version % 3 else 1
        keys = {key.id: key.description for key in now + sum(holders.values(), [])}
        roles = {name: role(of, 2 if name == "targets" else 1) for name, of in holders.items()}
        roles["root"] = role(now, threshold)
        root = part("root", version, consistent_snapshot=True, keys=keys, roles=roles)
        write(f"{version}.root.json", root, list({key.id: key for key in before + now}.values()))
        before = now

    deep = [Key("ecdsa", "c"), Key("ed25519", "c")]
    middle = [rsa_key]
    outer = [Key("ed25519", "a")]
    name = "one/two/three/deep.img"
    prefix = hashlib.sha256(name.encode()).hexdigest()[:2]
    meta = {}
    meta["c.json"] = {"version": 1, **write("1.c.json", part("targets", 1, targets=targets({name: b"deep bytes"})), deep)}
    middle_part = part("targets", 7, targets={}, delegations=delegations("c", deep, 2, path_hash_prefixes=[prefix]))
    meta["b/b.json"] = {"version": 7, **write("7.b%2Fb.json", middle_part, middle)}
    outer_part = part("targets", 3, targets={}, delegations=delegations("b/b", middle, 1, paths=["one/*/three/*"]))
    meta["a.json"] = {"version": 3, **write("3.a.json", outer_part, outer)}
    top = part("targets", 5, targets=targets({"top.img": b"top bytes"}),
               delegations=delegations("a", outer, 1, paths=["one/*/*/*.img"]))
    meta["targets.json"] = {"version": 5, **write("5.targets.json", top, holders["targets"][:2])}
    snapshot = write("9.snapshot.json", part("snapshot", 9, meta=meta), holders["snapshot"])
    timestamp = part("timestamp", 40, meta={"snapshot.json": {"version": 9, **snapshot}})
    write("timestamp.json", timestamp, holders["timestamp"])


if __name__ == "__main__":
    main()

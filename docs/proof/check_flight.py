#!/usr/bin/env python3
"""Checks a statement of docs/proof/FLIGHT.md without creance: Python's standard library, and `cryptography` for the signature.

check_flight.py FOLDER [--public KEY]     exit code 0: it follows and its signature holds, 1: refused
"""
import argparse, calendar, hashlib, json, pathlib, sys, time

class Refused(Exception): pass
def need(true, why):
    if not true: raise Refused(why)
def sha256(data): return hashlib.sha256(data).hexdigest()
def canonical(value): return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
def read(line, what):
    """A document that ends with a line feed, in the one form that it may have."""
    need(line.endswith(b"\n"), f"{what}: no line feed at its end")
    value = json.loads(line)
    need(canonical(value) + b"\n" == line and whole(value), f"{what}: not in canonical form")
    return value
def whole(value):
    if isinstance(value, dict): return all(map(whole, value.values()))
    if isinstance(value, list): return all(map(whole, value))
    return not isinstance(value, float)
def nanos(text):
    seconds, _, rest = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(rest.ljust(9, "0"))
HALF_HOUR, PROMPT = 30 * 60 * 10**9, 10 * 10**9
NOT_COVERED = ["other-radios", "cellular", "storage", "later-upload", "gateway-itself", "root-on-gateway"]

# Records
def load(data):
    lines = data.splitlines(keepends=True) if b"\r" not in data else []
    records = [read(line, f"ledger.jsonl, line {at}") for at, line in enumerate(lines, 1)]
    need(records, "ledger.jsonl: empty")
    for one in records: need(one["schema"] == "creance.ledger/1", f"record {one['number']}: another schema")
    for line, one, after in zip(lines, records, records[1:]):
        need(after["number"] == one["number"] + 1, f"record {after['number']}: not the one behind {one['number']}")
        need(after["previous"] == sha256(line[:-1]), f"record {after['number']}: not chained to the one before")
    return records, sha256(lines[-1][:-1])
def begins(one):
    return one["action"] == "state" and one["detail"].get("to") == "airborne" or one["action"] == "start" and one["detail"].get("state") == "stale"
def ends(one): return one["action"] == "state" and one["detail"].get("to") in ("grounded", "released")
def counts(one): return one["action"] in ("counts", "left")
def resets(one): return one["action"] in ("start", "enforcing")

# Sums
def interval(records):
    looked = [one for one in records if counts(one) or resets(one)]
    if not looked: return None
    base, sums, tables = None, {}, {"gone": {}, "refused": {}}
    for one in looked:
        now = one["detail"]["counters"] if counts(one) else {}
        if base is not None and counts(one):
            if any(now.get(name, [0, 0])[0] < was[0] for name, was in base.items()): base = {}
            for name, pair in now.items():
                more = [max(0, a - b) for a, b in zip(pair, base.get(name, [0, 0]))]
                sums[name] = [a + b for a, b in zip(sums.get(name, [0, 0]), more)]
            for name, table in tables.items():
                for *ends, packets, size in one["detail"][name]:
                    before = table.get(tuple(ends), [0, 0])
                    table[tuple(ends)] = [before[0] + packets, before[1] + size]
        base = now
    def unnamed(names, table):
        total = [sum(sums.get(name, [0, 0])[at] for name in names) for at in (0, 1)]
        return [max(0, total[at] - sum(pair[at] for pair in table.values())) for at in (0, 1)]
    rows = {name: [[*ends, *table[ends]] for ends in sorted(table)] for name, table in tables.items()}
    to = [one for one in looked if counts(one)][-1:] or looked[:1]
    return {"from": looked[0]["ended"], "to": to[0]["ended"], "counters": {name: pair for name, pair in sums.items() if pair[0]}, **rows,
            "gone_unnamed": unnamed(["gone"], tables["gone"]), "refused_unnamed": unnamed(["cut", "cut_protocol"], tables["refused"])}

# The statement
def derive(records, told, hash):
    first = records[0]["number"]
    begin = told["records"]["begin"] - first
    need(0 <= begin < len(records) and begins(records[begin]), "records.begin: no flight begins there")
    within = False
    for one in records[:begin]: within = (within or begins(one)) and not ends(one)
    need(not within, "records.begin: it lies within another flight")
    need(first == 1 or any(one["action"] == "start" for one in records[:begin]), "records.begin: it may lie within another flight, no start is before it")
    behind = range(begin + 1, len(records))
    end = next((at for at in behind if ends(records[at])), None)
    last = len(records) - 1
    closing = last if end is None else next((at for at in range(end, last + 1) if counts(records[at])), last)
    cause = begin
    while cause and records[cause - 1]["action"] in ("cut", "alarm"): cause -= 1
    word = closing + (end is not None and closing < last and records[closing + 1]["action"] == "operator")
    base = next((at for at in range(begin, closing + 1) if counts(records[at])), begin)
    opening, began = base, nanos(records[begin]["ended"])
    soon = records[base]["action"] == "counts" and began <= nanos(records[base]["ended"]) <= began + PROMPT
    down = begin if soon or resets(records[begin]) else next((at for at in range(begin - 1, -1, -1) if counts(records[at]) or resets(records[at])), begin)
    for at in range(base - 1, -1, -1):
        if counts(records[at]) or resets(records[at]):
            opening = at
            if nanos(records[at]["ended"]) < began - HALF_HOUR: break
    until, again = closing, False
    for at in range(closing + 1, last + 1) if end is not None else ():
        again = again or begins(records[at])
        if counts(records[at]):
            until = at
            if again or nanos(records[at]["ended"]) > nanos(records[end]["ended"]) + HALF_HOUR: break
    start = next((one for one in records[begin::-1] if one["action"] == "start"), None)
    def listed(action, to): return [{"time": one["ended"], **one["detail"]} for one in records[cause:to + 1] if one["action"] == action]
    states = [one for one in records[begin:(closing if end is None else end) + 1] if one["action"] in ("state", "start")]
    def before(at): return next(one for one in records[at - 1::-1] if one["action"] != "left")
    pairs = [(before(at), records[at]) for at in range(begin + 1, closing + 1) if records[at]["action"] == "start"]
    return {
        "schema": "creance.flight/1", "tool": told["tool"], "flight": told["flight"], "case": records[begin]["case"],
        "records": {"first": first, "last": records[-1]["number"], "begin": records[begin]["number"],
                    "end": None if end is None else records[end]["number"], "last_sha256": hash},
        "began": records[begin]["ended"], "ended": None if end is None else records[end]["ended"],
        "policy": start and start["detail"].get("policy", ""), "exceptions": start["detail"].get("exceptions", []) if start else [],
        "states": [{"time": one["ended"], "state": one["detail"]["to"], "said": one["detail"]["said"]} if one["action"] == "state" else
                   {"time": one["ended"], "state": one["detail"]["state"], "said": "the guard was started"} for one in states],
        "cuts": listed("cut", closing), "alarms": listed("alarm", closing), "overrides": listed("operator", word),
        "gaps": [{"from": before["ended"], "to": one["ended"], "in_order": before["action"] == "end"} for before, one in pairs],
        "before": interval(records[opening:base + 1]), "during": interval(records[down:closing + 1]),
        "after": None if end is None else interval(records[closing:until + 1]), "not_covered": NOT_COVERED,
    }
def signed(document, text, public):
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    claim = read(text, "signature.json")
    need(set(claim) == {"schema", "document_sha256", "public_key", "signature"}, "signature.json: other members")
    need(claim["schema"] == "creance.document-signature/1", "signature.json: another schema")
    need(claim["document_sha256"] == sha256(document), "signature.json: of another document")
    need(public in (None, claim["public_key"]), "signature.json: of another key")
    signature = claim.pop("signature")
    need(signature == signature.lower() and claim["public_key"] == claim["public_key"].lower(), "signature.json: upper case")
    try: Ed25519PublicKey.from_public_bytes(bytes.fromhex(claim["public_key"])).verify(
        bytes.fromhex(signature), b"creance.document-signature/1\n" + canonical(claim))
    except InvalidSignature: raise Refused("signature.json: does not hold")
    return claim["public_key"]
def check(statement, ledger, signature, public):
    told = read(statement, "statement.json")
    derived = derive(*(lambda records, hash: (records, told, hash))(*load(ledger)))
    for name in sorted(set(told) | set(derived)):
        need(name in told and name in derived and canonical(told[name]) == canonical(derived[name]), f"statement.json: {name} does not follow from the records")
    need(signature is not None or public is None, "signature.json: missing")
    return told, signature and signed(statement, signature, public)
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--public", help="the key that must have signed: 64 hexadecimal digits")
    options = parser.parse_args()
    try:
        folder, sealed = options.folder, options.folder / "signature.json"
        told, key = check((folder / "statement.json").read_bytes(), (folder / "ledger.jsonl").read_bytes(),
                          sealed.read_bytes() if sealed.exists() else None, options.public)
        during, left = told["during"], "unknown what left"
        if during and during["from"] != during["to"]:
            left = "{} packets, {} bytes left, counted from {} to {}".format(*during["counters"].get("gone", [0, 0]), during["from"], during["to"])
        print(f"follows: flight {told['flight']}, {told['began']} to {told['ended'] or 'now'}: {left}; {len(told['gaps'])} gaps, {len(told['alarms'])} alarms")
        print(f"signed with {key}" if key else "NOT SIGNED: whoever wrote the folder could have written another")
    except Exception as why:  # whatever is wrong with it, it proves nothing
        sys.exit(print(f"refused: {why if isinstance(why, Refused) else repr(why)}") or 1)

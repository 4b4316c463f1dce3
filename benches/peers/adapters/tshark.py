"""tshark with the key log, and the same expressions over the fields that its dissectors name: no creance in between."""
import re
import subprocess
from urllib.parse import unquote_plus

import patterns
from material import source

NAME = "tshark " + re.search(r"\d[\d.]+", subprocess.run(["tshark", "--version"], capture_output=True, text=True).stdout).group() + ", hand-made filters"

PLAIN = ["http.request.full_uri", "http.request.uri", "http.request.line", "json.member_with_value", "mqtt.msg_text", "websocket.payload.text",
         "smtp.req.parameter", "dns.qry.name", "xml.cdata", "mqtt.topic"]
LABELLED = [("mqtt.username", "username"), ("mqtt.passwd", "password"), ("mqtt.clientid", "clientid"), ("smtp.auth.username", "username"),
            ("smtp.auth.password", "password"), ("http.authbasic", "authorization")]


def find(material):
    for layers in material.tshark:
        lines = [value for name in PLAIN for value in layers.get(name, [])]
        lines += map("=".join, zip(layers.get("urlencoded-form.key", []), layers.get("urlencoded-form.value", [])))
        lines += map(": ".join, zip(layers.get("http2.header.name", []), layers.get("http2.header.value", [])))
        lines += [f"{label}={value}" for name, label in LABELLED for value in layers.get(name, [])]
        for payload in layers.get("mqtt.msg", []):
            lines.append(bytes.fromhex(payload.replace(":", "")).decode(errors="replace"))
        lines += [unquote_plus(line) for line in lines if "%" in line]
        to = source(layers)
        for data_class, value in patterns.search("\n".join(lines)):
            yield data_class, value, to

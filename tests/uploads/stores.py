"""Stores that speak as much of Aliyun OSS, Azure Blob, Google Cloud Storage and Qiniu Kodo as their own clients ask for.

They are ours, made after the published interfaces, because no open server of these exists that the clients take. They
check no signature. They keep what they are given, so that the test can tell whether a client sent what it was meant to.
"""

import base64
import email.parser
import email.policy
import hashlib
import http.server
import json
import threading
import urllib.parse
import zlib
from xml.etree import ElementTree


class Store(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # One for each of many connections at a time.
    request_queue_size = 64

    def __init__(self, address):
        super().__init__((address, 0), Request)
        self.lock = threading.Lock()
        self.objects = {}
        self.uploads = {}
        self.number = 0
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def handle_error(self, request, client_address):
        """Clients go away in the middle; that is what some of the test is about."""

    def begin(self):
        with self.lock:
            self.number += 1
            name = f"{self.number:032X}"
            self.uploads[name] = {}
            return name

    def keep(self, host, key, content):
        with self.lock:
            self.objects[(host, key)] = content


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # What is answered goes out at once: the head does not wait for the body's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status=200, body=b"", **headers):
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            headers["Content_Type"] = "application/json"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def whole(self):
        """The body of the request; a client that goes away before its end is no request."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("the client went away")
        return body

    def form(self, body):
        """The fields of a multipart form."""
        head = b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n"
        form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
        return {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in form.iter_parts()
        }

    def any(self):
        self.host = self.headers["Host"]
        target = urllib.parse.urlsplit(self.path)
        self.key = urllib.parse.unquote(target.path).lstrip("/")
        self.query = dict(urllib.parse.parse_qsl(target.query, keep_blank_values=True))
        body = self.whole()
        for ending, speak in PROVIDERS.items():
            if self.host.endswith(ending):
                return speak(self, self.server, body)
        return self.answer(404)

    do_GET = do_HEAD = do_POST = do_PUT = any


def etag(content):
    return '"' + hashlib.md5(content).hexdigest().upper() + '"'


def oss(request, store, body):
    """https://www.alibabacloud.com/help/en/oss/developer-reference/list-of-operations-by-function"""
    common = {"x_oss_request_id": "5C3D9175B6FC201293AD****", "Server": "AliyunOSS"}
    query, key = request.query, request.key
    if request.command == "POST" and "uploads" in query:
        name = store.begin()
        xml = f"<InitiateMultipartUploadResult><Key>{key}</Key><UploadId>{name}</UploadId></InitiateMultipartUploadResult>"
        return request.answer(body=xml.encode(), Content_Type="application/xml", **common)
    if request.command == "PUT" and "uploadId" in query:
        store.uploads[query["uploadId"]][int(query["partNumber"])] = body
        return request.answer(ETag=etag(body), **common)
    if request.command == "GET" and "uploadId" in query:
        listed = "".join(
            f"<Part><PartNumber>{number}</PartNumber><LastModified>2026-11-20T07:01:56.000Z</LastModified>"
            f"<ETag>{etag(part)}</ETag><Size>{len(part)}</Size></Part>"
            for number, part in sorted(store.uploads[query["uploadId"]].items())
        )
        xml = f"<ListPartsResult><IsTruncated>false</IsTruncated><NextPartNumberMarker/>{listed}</ListPartsResult>"
        return request.answer(body=xml.encode(), Content_Type="application/xml", **common)
    if request.command == "POST" and "uploadId" in query:
        parts = store.uploads.pop(query["uploadId"])
        numbers = [int(number.text) for number in ElementTree.fromstring(body).iter("PartNumber")]
        store.keep(request.host, key, b"".join(parts[number] for number in sorted(numbers)))
        xml = "<CompleteMultipartUploadResult/>"
        return request.answer(body=xml.encode(), Content_Type="application/xml", **common)
    if request.command == "POST" and "append" in query:
        before = store.objects.get((request.host, key), b"")
        if int(query["position"]) != len(before):
            return request.answer(409, **common)
        store.keep(request.host, key, before + body)
        return request.answer(ETag=etag(body), x_oss_next_append_position=len(before + body), **common)
    if request.command == "POST":
        fields = request.form(body)
        store.keep(request.host, fields["key"].decode(), fields["file"])
        return request.answer(204, **common)
    if request.command == "PUT":
        store.keep(request.host, key, body)
        return request.answer(ETag=etag(body), **common)
    return request.answer(404, **common)


def azure(request, store, body):
    """https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-rest-api"""
    common = {"x_ms_version": "2025-05-05", "x_ms_request_id": "0f0f0f0f-0000-0000-0000-000000000000"}
    blocks = store.uploads.setdefault((request.host, request.key), {})
    if request.query.get("comp") == "block":
        blocks[request.query["blockid"]] = body
    elif request.query.get("comp") == "blocklist":
        names = [name.text for name in ElementTree.fromstring(body)]
        store.keep(request.host, request.key, b"".join(blocks[name] for name in names))
    else:
        store.keep(request.host, request.key, body)
    return request.answer(201, ETag=etag(body), Last_Modified="Fri, 20 Nov 2026 07:01:56 GMT", **common)


def gcs(request, store, body):
    """https://docs.cloud.google.com/storage/docs/performing-resumable-uploads"""
    if request.command == "POST":
        name = store.begin()
        asked = json.loads(body)
        store.uploads[name] = [asked["name"], b""]
        return request.answer(Location=f"http://{request.host}{request.path}&upload_id={name}")
    name = request.query["upload_id"]
    key, before = store.uploads[name]
    span, _, whole = request.headers["Content-Range"].removeprefix("bytes ").partition("/")
    if span != "*" and int(span.split("-")[0]) == len(before):
        before += body
        store.uploads[name][1] = before
    if whole != str(len(before)):
        headers = {"Range": f"bytes=0-{len(before) - 1}"} if before else {}
        return request.answer(308, **headers)
    store.keep(request.host, key, before)
    return request.answer(body={"name": key, "size": whole, "md5Hash": base64.b64encode(hashlib.md5(before).digest()).decode()})


def kodo(request, store, body):
    """https://developer.qiniu.com/kodo/1312/upload"""
    # Without this, its client does not believe that it speaks with the store.
    told = {"X_Reqid": "exampleexample"}
    steps = request.key.split("/")
    key = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    if steps[0] in ("mkblk", "bput"):
        # A context names what has come of a block so far.
        before = store.uploads[steps[1]] if steps[0] == "bput" else b""
        context = store.begin()
        store.uploads[context] = before + body
        host = "http://" + request.host
        return request.answer(**told, body={"ctx": context, "offset": len(before + body), "host": host, "crc32": zlib.crc32(body), "expired_at": 4102444800})
    if steps[0] == "mkfile":
        contexts = body.decode().split(",")
        name = key(steps[steps.index("key") + 1])
        store.keep(request.host, name, b"".join(store.uploads[context] for context in contexts))
        return request.answer(**told, body={"key": name, "hash": "F"})
    if steps[0] == "buckets" and request.command == "POST" and steps[-1] == "uploads":
        return request.answer(**told, body={"uploadId": store.begin(), "expireAt": 4102444800})
    if steps[0] == "buckets" and request.command == "PUT":
        store.uploads[steps[5]][int(steps[6])] = body
        return request.answer(**told, body={"etag": etag(body).strip('"'), "md5": hashlib.md5(body).hexdigest()})
    if steps[0] == "buckets":
        parts = store.uploads[steps[5]]
        numbers = [part["partNumber"] for part in json.loads(body)["parts"]]
        store.keep(request.host, key(steps[3]), b"".join(parts[number] for number in numbers))
        return request.answer(**told, body={"key": key(steps[3]), "hash": "F"})
    fields = request.form(body)
    store.keep(request.host, fields["key"].decode(), fields["file"])
    return request.answer(**told, body={"key": fields["key"].decode(), "hash": "F"})


PROVIDERS = {
    ".aliyuncs.com": oss,
    ".blob.core.windows.net": azure,
    "storage.googleapis.com": gcs,
    ".qiniup.com": kodo,
}

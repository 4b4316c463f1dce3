"""Uploads to object stores over loopback, by the stores' own clients, recorded as they pass.

    play.py FOLDER

writes FOLDER/uploads.pcapng, FOLDER/uploads.keys (of what went over TLS) and FOLDER/uploads.json: what was uploaded,
how, and where to. S3 is moto's server; the others are ours (stores.py). Names of the real stores lead to loopback, so
that requests look as they do on the internet. The credentials are examples of nobody.
"""

import concurrent.futures
import hashlib
import hmac
import io
import json
import logging
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading

FOLDER = pathlib.Path(sys.argv[1])
# Clients write the secrets of their TLS connections here.
os.environ["SSLKEYLOGFILE"] = str(FOLDER / "uploads.keys")
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
# Nothing of whoever runs this may have a say.
for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
    if name != "AWS_EC2_METADATA_DISABLED":
        del os.environ[name]

import azure.storage.blob
import boto3
import botocore.config
import google.auth.credentials
import google.cloud.storage
import oss2
import qiniu
import requests
import urllib3
import werkzeug.serving
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app

from recording import Recording
from stores import Store

MEBI = 1 << 20
# Requests come from 127.0.0.1, which is the inside; each store is at an address of its own.
S3_AT, OTHERS_AT = "127.0.0.2", "127.0.0.3"

AWS = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
OSS = ("LTAI5tEXAMPLEEXAMPLE0001", "exampleexampleexampleexample01")
QINIU = ("kodoEXAMPLEkodoEXAMPLEkodoEXAMPLEkodoEX0", "exampleexampleexampleexampleexample00001")
AZURE = ("skylarkexample", "ZXhhbXBsZWV4YW1wbGVleGFtcGxlZXhhbXBsZWV4YW1wbGU=")

told = []
chance = random.Random(3)


def content(length):
    """Bytes that occur nowhere else, beginning like a picture."""
    return b"\xff\xd8\xff\xe0" + chance.randbytes(length - 4)


def tell(how, data, provider, bucket, region, key, credential, **more):
    told.append(
        {"how": how, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "provider": provider}
        | {"bucket": bucket, "region": region, "object": key, "credential": credential}
        | {"complete": True, "joined": False, "connections": 1}
        | more
    )


def lead(ports):
    """Makes the names of the stores lead to loopback: the end of the name and the port say where."""
    asked = socket.getaddrinfo

    def answer(host, port, *rest, **more):
        name = host.decode() if isinstance(host, bytes) else host
        for (ending, at), (address, there) in ports.items():
            if name.endswith(ending) and int(port) == at:
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, there))]
        if name.startswith("127."):
            return asked(host, port, *rest, **more)
        raise socket.gaierror(f"{name}:{port} leads nowhere: nothing here goes to the internet")

    socket.getaddrinfo = answer


def s3(region="eu-central-1", tls=False):
    """A client with connections of its own."""
    config = botocore.config.Config(signature_version="s3v4", retries={"max_attempts": 1}, s3={"addressing_style": "virtual"})
    return boto3.client("s3", region_name=region, use_ssl=tls, verify=False, config=config, **AWS)


def at_once(*tasks):
    """Runs tasks so that all have begun before one goes on: each needs a connection of its own."""
    together = threading.Barrier(len(tasks))

    def run(task):
        together.wait()
        return task()

    with concurrent.futures.ThreadPoolExecutor(len(tasks)) as pool:
        return [running.result() for running in [pool.submit(run, task) for task in tasks]]


def cut(data, length):
    return [data[at : at + length] for at in range(0, len(data), length)]


S3_BUCKET, S3_REGION = "skylark-media", "eu-central-1"


def s3_told(how, data, key, **more):
    tell(how, data, "s3", S3_BUCKET, S3_REGION, key, AWS["aws_access_key_id"], **more)


def s3_single():
    data = content(300_000)
    s3().put_object(Bucket=S3_BUCKET, Key="dcim/DJI 0001+ä.jpg", Body=data, ContentType="image/jpeg")
    s3_told("s3 single", data, "dcim/DJI 0001+ä.jpg")


def s3_presigned():
    data = content(120_000)
    url = s3().generate_presigned_url("put_object", Params={"Bucket": S3_BUCKET, "Key": "presigned.jpg"})
    requests.put(url, data=data).raise_for_status()
    s3_told("s3 single, signed in the target", data, "presigned.jpg")


def s3_tls():
    """Over TLS, boto3 sends a body in chunks with a checksum behind it (aws-chunked)."""
    data = content(700_000)
    s3(tls=True).put_object(Bucket=S3_BUCKET, Key="tls.jpg", Body=io.BytesIO(data), ContentType="image/jpeg")
    s3_told("s3 single over TLS, aws-chunked", data, "tls.jpg")
    data = content(70_000)
    s3(tls=True).put_object(Bucket=S3_BUCKET, Key="typeless.bin", Body=io.BytesIO(data))
    s3_told("s3 single over TLS, aws-chunked, of no type", data, "typeless.bin")


def s3_put(client, key, upload, number, part):
    stored = client.upload_part(Bucket=S3_BUCKET, Key=key, UploadId=upload, PartNumber=number, Body=io.BytesIO(part))
    return {"PartNumber": number, "ETag": stored["ETag"]}


def s3_multipart(key, tls):
    data = content(3 * 5 * MEBI + 12_345)
    client, parts = s3(tls=tls), cut(data, 5 * MEBI)
    upload = client.create_multipart_upload(Bucket=S3_BUCKET, Key=key, ContentType="video/mp4")["UploadId"]
    put = lambda number: s3_put(s3(tls=tls), key, upload, number, parts[number - 1])
    # The last one first, the others beside each other.
    stored = [put(4)] + at_once(*(lambda number=number: put(number) for number in (3, 1, 2)))
    stored.sort(key=lambda part: part["PartNumber"])
    client.complete_multipart_upload(Bucket=S3_BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": stored})
    how = "s3 multipart over connections" + (" over TLS" if tls else "")
    s3_told(how, data, key, joined=True, connections=4)


def s3_transfer():
    """As apps do it: the transfer manager decides on parts and connections."""
    data = content(3 * 8 * MEBI + 1)
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=8 * MEBI, multipart_chunksize=8 * MEBI, max_concurrency=3)
    s3().upload_fileobj(io.BytesIO(data), S3_BUCKET, "transfer.mp4", Config=config)
    s3_told("s3 multipart by the transfer manager", data, "transfer.mp4", joined=True)


def s3_resumed():
    """One process dies within its second part; another session asks what is there and sends the rest."""
    key, data = "resumed.mp4", content(2 * 5 * MEBI + 777)
    client = s3()
    upload = client.create_multipart_upload(Bucket=S3_BUCKET, Key=key)["UploadId"]
    source = FOLDER / "resumed.mp4"
    source.write_bytes(data)
    ports = [[ending, at, *where] for (ending, at), where in PORTS.items()]
    first = subprocess.run(
        [sys.executable, __file__, str(FOLDER)],
        env=os.environ | {"DIES": json.dumps({"key": key, "upload": upload, "source": str(source), "ports": ports})},
    )
    assert first.returncode == -signal.SIGKILL, f"the first session ended with {first.returncode}"
    listed = client.list_parts(Bucket=S3_BUCKET, Key=key, UploadId=upload)["Parts"]
    stored = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in listed]
    assert [part["PartNumber"] for part in stored] == [1], stored
    for number, part in enumerate(cut(data, 5 * MEBI), 1):
        if number > 1:
            stored.append(s3_put(client, key, upload, number, part))
    client.complete_multipart_upload(Bucket=S3_BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": stored})
    s3_told("s3 multipart resumed by another session", data, key, joined=True, connections=2)


class Deadly(io.BytesIO):
    """A body whose sender dies in the middle, once it is told that it is being sent."""

    sending = False

    def read(self, size=-1):
        if self.sending and self.tell() > 2 * MEBI:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(size)


def dies(upload, key, source, ports):
    """The session that is not to see the end of its upload."""
    lead({(ending, at): (address, there) for ending, at, address, there in ports})
    client, parts = s3(), cut(pathlib.Path(source).read_bytes(), 5 * MEBI)
    s3_put(client, key, upload, 1, parts[0])
    body = Deadly(parts[1])
    # The body is read for its digest first.
    client.meta.events.register("before-send.s3.UploadPart", lambda **_: setattr(body, "sending", True))
    client.upload_part(Bucket=S3_BUCKET, Key=key, UploadId=upload, PartNumber=2, Body=body)


def s3_form():
    data = content(250_000)
    post = s3().generate_presigned_post(S3_BUCKET, "forms/${filename}")
    files = {"file": ("DJI_0007.JPG", data, "image/jpeg")}
    requests.post(post["url"], data=post["fields"], files=files).raise_for_status()
    s3_told("s3 form", data, "forms/DJI_0007.JPG")


OSS_BUCKET = "skylark-logs"


def oss(region="cn-hangzhou", v4=False):
    """A client with connections of its own."""
    sign = oss2.AuthV4(*OSS) if v4 else oss2.Auth(*OSS)
    endpoint = f"http://oss-{region}.aliyuncs.com"
    return oss2.Bucket(sign, endpoint, OSS_BUCKET, session=oss2.Session(), region=region if v4 else None)


def oss_told(how, data, key, region="cn-hangzhou", **more):
    tell(how, data, "oss", OSS_BUCKET, region, key, OSS[0], **more)


def oss_single():
    data = content(300_001)
    oss().put_object("logs/DJIFlightRecord [1].txt", data)
    oss_told("oss single", data, "logs/DJIFlightRecord [1].txt")
    data = content(100_001)
    oss("cn-hongkong", v4=True).put_object("v4.jpg", data)
    oss_told("oss single, signature V4", data, "v4.jpg", "cn-hongkong")
    data = content(100_002)
    url = oss().sign_url("PUT", "presigned.jpg", 60)
    oss().put_object_with_url(url, data)
    oss_told("oss single, signed in the target", data, "presigned.jpg")


def oss_multipart():
    key, data = "video.mp4", content(4 * MEBI + 99)
    parts = cut(data, MEBI)
    upload = oss().init_multipart_upload(key).upload_id

    def put(number):
        return oss2.models.PartInfo(number, oss().upload_part(key, upload, number, parts[number - 1]).etag)

    stored = [put(5)] + at_once(*(lambda number=number: put(number) for number in (4, 2, 3, 1)))
    oss().complete_multipart_upload(key, upload, sorted(stored, key=lambda part: part.part_number))
    oss_told("oss multipart over connections", data, key, joined=True, connections=5)


def oss_resumed():
    """Broken off after two parts; another session goes on from the record of the first, with three connections."""
    key, data = "resumed.mp4", content(6 * MEBI + 5)
    source = FOLDER / "oss.mp4"
    source.write_bytes(data)
    store = lambda: oss2.ResumableStore(root=str(FOLDER))

    def broken(sent, _):
        if sent >= 2 * MEBI:
            raise InterruptedError

    options = {"multipart_threshold": MEBI, "part_size": MEBI}
    try:
        oss2.resumable_upload(oss(), key, str(source), store(), progress_callback=broken, num_threads=1, **options)
        raise SystemExit("the first session was not broken off")
    except InterruptedError:
        pass
    oss2.resumable_upload(oss(), key, str(source), store(), num_threads=3, **options)
    oss_told("oss resumable, resumed by another session", data, key, joined=True, connections=2)


def oss_form():
    data = content(200_003)
    policy = json.dumps({"expiration": "2036-01-01T00:00:00.000Z", "conditions": [{"bucket": OSS_BUCKET}]})
    policy = oss2.utils.b64encode_as_string(policy.encode())
    signature = oss2.utils.b64encode_as_string(hmac.digest(OSS[1].encode(), policy.encode(), "sha1"))
    fields = {"key": "forms/picture.jpg", "policy": policy, "OSSAccessKeyId": OSS[0], "Signature": signature}
    files = {"file": ("IMG_0001.JPG", data, "image/jpeg")}
    requests.post(f"http://{OSS_BUCKET}.oss-cn-hangzhou.aliyuncs.com/", data=fields, files=files).raise_for_status()
    oss_told("oss form", data, "forms/picture.jpg")


def oss_appended():
    data, position = content(500_000), 0
    for piece in cut(data, 200_000):
        position = oss().append_object("track.log", position, piece).next_position
    # Nothing says that an object will not grow any more.
    oss_told("oss appended", data, "track.log", joined=True, complete=False, connections=3)


def azure_blocks():
    data = content(3 * MEBI + 7)
    credential = {"account_name": AZURE[0], "account_key": AZURE[1]}
    box = azure.storage.blob.ContainerClient(
        f"http://{AZURE[0]}.blob.core.windows.net", "media", credential, max_single_put_size=MEBI, max_block_size=MEBI
    )
    box.upload_blob("flights/one.mp4", data, max_concurrency=3)
    tell("azure blocks", data, "azure", f"{AZURE[0]}/media", None, "flights/one.mp4", AZURE[0], joined=True)


def gcs_resumable():
    data = content(1_000_003)
    client = google.cloud.storage.Client(
        "skylark",
        google.auth.credentials.AnonymousCredentials(),
        client_options={"api_endpoint": "http://storage.googleapis.com"},
    )
    blob = client.bucket("skylark-gcs").blob("flights/two.mp4", chunk_size=256 << 10)
    blob.upload_from_file(io.BytesIO(data), size=None, content_type="video/mp4", checksum="md5")
    # The name stands in the request that begins the session, and only the store's answer ties the two together.
    tell("gcs resumable", data, "gcs", "skylark-gcs", None, None, None, joined=True)


def kodo(how, key, length, **options):
    data = content(length)
    source = FOLDER / "kodo.mp4"
    source.write_bytes(data)
    token = qiniu.Auth(*QINIU).upload_token("skylark-kodo", key)
    region = qiniu.Region("up-z2.qiniup.com", "upload-z2.qiniup.com", scheme="http")
    kept, answer = qiniu.put_file_v2(token, key, str(source), regions=[region], bucket_name="skylark-kodo", **options)
    assert answer.ok() and kept["key"] == key, answer
    more = {} if length < 4 * MEBI else {"joined": True}
    tell(how, data, "kodo", "skylark-kodo", "z2", key, QINIU[0], **more)


def play():
    s3_single()
    s3_presigned()
    s3_tls()
    s3_multipart("multipart.mp4", tls=False)
    s3_multipart("multipart-tls.mp4", tls=True)
    s3_transfer()
    s3_resumed()
    s3_form()
    oss_single()
    oss_multipart()
    oss_resumed()
    oss_form()
    oss_appended()
    azure_blocks()
    gcs_resumable()
    kodo("kodo form", "small.jpg", 150_000)
    kodo("kodo V1", "kodo/v1.mp4", 9 * MEBI, version="v1")
    kodo("kodo V2", "kodo/v2.mp4", 9 * MEBI, version="v2", part_size=4 * MEBI)


def serve(tls):
    app = DomainDispatcherApplication(create_backend_app)
    server = werkzeug.serving.make_server(
        S3_AT, 0, app, True, request_handler=MotoRequestHandler, ssl_context="adhoc" if tls else None
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return S3_AT, server.server_address[1]


def compare(others):
    """What the stores hold is what was meant to be uploaded; asked when nothing is recorded any more."""
    for upload in told:
        if upload["provider"] == "s3":
            held = s3().get_object(Bucket=S3_BUCKET, Key=upload["object"])["Body"].read()
            assert hashlib.sha256(held).hexdigest() == upload["sha256"], upload
        else:
            held = {hashlib.sha256(held).hexdigest() for (_, key), held in others.objects.items() if key.endswith(upload["object"] or "")}
            assert upload["sha256"] in held, upload


if "DIES" in os.environ:
    dies(**json.loads(os.environ["DIES"]))
    raise SystemExit("it should have died")

urllib3.disable_warnings()
# What is broken off is meant to be.
for name in ("werkzeug", "oss2"):
    logging.getLogger(name).setLevel(logging.CRITICAL)
others = Store(OTHERS_AT)
at_others = (OTHERS_AT, others.server_address[1])
PORTS = {
    (".amazonaws.com", 80): serve(tls=False),
    (".amazonaws.com", 443): serve(tls=True),
    (".aliyuncs.com", 80): at_others,
    (".blob.core.windows.net", 80): at_others,
    ("storage.googleapis.com", 80): at_others,
    (".qiniup.com", 80): at_others,
}
lead(PORTS)
s3().create_bucket(Bucket=S3_BUCKET, CreateBucketConfiguration={"LocationConstraint": S3_REGION})
recording = Recording(FOLDER / "uploads.pcapng", [S3_AT, OTHERS_AT])
try:
    play()
    recording.end()
finally:
    if recording.process.poll() is None:
        recording.process.kill()
compare(others)
(FOLDER / "uploads.json").write_text(json.dumps(told, indent=1))

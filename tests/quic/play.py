"""Bodies up and down over HTTP/3 on loopback, by aioquic at both ends, recorded as they pass.

    play.py FOLDER

writes FOLDER/quic.pcapng, FOLDER/quic.keys and FOLDER/bodies.json: what went, which way, and how. Requests come from
127.0.0.1, which is the inside; servers are at addresses of their own, where servers of QUIC listen.
"""

import asyncio
import contextlib
import datetime
import hashlib
import json
import pathlib
import random
import ssl
import sys

import aioquic.asyncio
import aioquic.asyncio.protocol
import aioquic.h3.connection
import aioquic.h3.events
import aioquic.quic.configuration
import aioquic.quic.packet
import aioquic.tls
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "uploads"))
from recording import Recording

FOLDER = pathlib.Path(sys.argv[1])
SERVER, RETRYING, PORT = "127.0.0.4", "127.0.0.5", 443
V1, V2 = aioquic.quic.packet.QuicProtocolVersion.VERSION_1, aioquic.quic.packet.QuicProtocolVersion.VERSION_2
SUITES = aioquic.tls.CipherSuite

told = []
chance = random.Random(9)
downloads = {}


def content(length, way, how):
    """Bytes that occur nowhere else, and a note of them."""
    data = b"\xff\xd8\xff\xe0" + chance.randbytes(length - 4)
    told.append({"how": how, "way": way, "sha256": hashlib.sha256(data).hexdigest(), "bytes": length})
    return data


class Http3(aioquic.asyncio.protocol.QuicConnectionProtocol):
    """What both ends have in common: requests and answers as they come."""

    def __init__(self, *rest, **more):
        super().__init__(*rest, **more)
        self.http = None
        self.waiting = {}
        self.heard = {}

    def layer(self):
        if self.http is None:
            self.http = aioquic.h3.connection.H3Connection(self._quic)
        return self.http

    def quic_event_received(self, event):
        for one in self.layer().handle_event(event):
            if not isinstance(one, (aioquic.h3.events.HeadersReceived, aioquic.h3.events.DataReceived)):
                continue
            headers, body = self.heard.setdefault(one.stream_id, ({}, []))
            if isinstance(one, aioquic.h3.events.HeadersReceived):
                headers.update(one.headers)
            else:
                body.append(one.data)
            if one.stream_ended:
                self.whole(one.stream_id, *self.heard.pop(one.stream_id))

    def whole(self, stream, headers, body):
        if stream in self.waiting:
            self.waiting.pop(stream).set_result(b"".join(body))
            return
        answer = downloads.get(headers[b":path"], b"")
        kind = (b"content-length", str(len(answer)).encode())
        self.http.send_headers(stream, [(b":status", b"200"), (b"content-type", b"image/jpeg"), kind])
        self.http.send_data(stream, answer, end_stream=True)
        self.transmit()

    async def ask(self, path, body=b"", meanwhile=None):
        stream = self._quic.get_next_available_stream_id()
        method = b"POST" if body else b"GET"
        headers = [(b":method", method), (b":scheme", b"https"), (b":authority", b"media.skylark.example"), (b":path", path)]
        headers += [(b"content-type", b"image/jpeg"), (b"x-request", f"of stream {stream % 16}".encode())]
        self.layer().send_headers(stream, headers, end_stream=not body)
        answer = self.waiting[stream] = asyncio.get_running_loop().create_future()
        if body:
            self.http.send_data(stream, body[: len(body) // 2], end_stream=False)
            self.transmit()
            if meanwhile:
                await meanwhile()
            self.http.send_data(stream, body[len(body) // 2 :], end_stream=True)
        self.transmit()
        return await answer


def certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "media.skylark.example")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    return made.sign(key, hashes.SHA256()), key


def configuration(client, **more):
    return aioquic.quic.configuration.QuicConfiguration(
        is_client=client, alpn_protocols=["h3"], max_data=1 << 24, max_stream_data=1 << 24, **more
    )


@contextlib.asynccontextmanager
async def connected(log, server=SERVER, wait=True, ticket=None, tickets=None, **more):
    settings = configuration(
        True, server_name="media.skylark.example", verify_mode=ssl.CERT_NONE, secrets_log_file=log, session_ticket=ticket, **more
    )
    async with aioquic.asyncio.connect(
        server, PORT, configuration=settings, create_protocol=Http3, session_ticket_handler=tickets, wait_connected=wait
    ) as client:
        yield client


async def up(client, length, how, meanwhile=None):
    await client.ask(b"/up?" + how.replace(" ", "-").encode(), content(length, "up", how), meanwhile)


async def down(client, length, how):
    path = b"/down/" + str(len(downloads)).encode()
    downloads[path] = content(length, "down", how)
    assert await client.ask(path) == downloads[path], how


async def scenes(log):
    async with connected(log) as client:
        await up(client, 3_000_000, "large, up")
        await down(client, 2_000_000, "large, down")
        await asyncio.gather(*(up(client, 5_000 + 100 * which, f"one of many, up {which}") for which in range(60)))
        await asyncio.gather(*(down(client, 5_000 + 100 * which, f"one of many, down {which}") for which in range(60)))
    for suite in SUITES.AES_128_GCM_SHA256, SUITES.AES_256_GCM_SHA384, SUITES.CHACHA20_POLY1305_SHA256:
        async with connected(log, cipher_suites=[suite]) as client:
            await up(client, 300_000, suite.name)
    async with connected(log, supported_versions=[V2], original_version=V2) as client:
        await up(client, 300_000, "version 2")
    async with connected(log, supported_versions=[V2, V1], original_version=V1) as client:
        await up(client, 300_000, "version 2 after version 1")
    async with connected(log, server=RETRYING) as client:
        await up(client, 300_000, "retry")
    async with connected(log) as client:

        async def update():
            client.request_key_update()
            await client.ping()

        for turn in range(3):
            await up(client, 200_000, f"key update {turn}", update)
            await down(client, 200_000, f"key update, down {turn}")
    async with connected(log) as client:

        async def change():
            client.change_connection_id()
            await client.ping()

        await up(client, 200_000, "another connection id", change)

        async def rebind():
            loop = asyncio.get_running_loop()
            await loop.create_datagram_endpoint(lambda: client, local_addr=("::", 0))
            await client.ping()

        await up(client, 200_000, "another port", rebind)
        await down(client, 200_000, "another port, down")
    tickets = []
    async with connected(log, tickets=tickets.append) as client:
        await client.ping()
    async with connected(log, wait=False, ticket=tickets[0]) as client:
        await up(client, 6_000, "early data")
        assert client._quic.tls.early_data_accepted


async def main():
    (chain, key), kept = certificate(), {}

    def fetched(label):
        return kept.get(label)

    def keep(ticket):
        kept[ticket.ticket] = ticket

    for address, retry in [(SERVER, False), (RETRYING, True)]:
        await aioquic.asyncio.serve(
            address,
            PORT,
            configuration=configuration(False, certificate=chain, private_key=key, supported_versions=[V1, V2]),
            create_protocol=Http3,
            retry=retry,
            session_ticket_fetcher=fetched,
            session_ticket_handler=keep,
        )
    recording = Recording(FOLDER / "quic.pcapng", [SERVER, RETRYING])
    with open(FOLDER / "quic.keys", "w") as log:
        await scenes(log)
    # What ends the connections is still on its way.
    await asyncio.sleep(0.5)
    recording.end()
    (FOLDER / "bodies.json").write_text(json.dumps(told, indent=1))


asyncio.run(main())

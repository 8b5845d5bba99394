#!/usr/bin/python3
"""A TLS server for the client tests: HTTP and WebSocket echo.

usage: tls_server.py DIRECTORY

Makes a key and a self-signed certificate DIRECTORY/cert.pem for 127.0.0.1 with openssl(1), listens
on a free port and prints its number. Ends when its standard input does.

  GET /        the negotiated ALPN protocol, and "new" or "resumed" for the TLS session
  WebSocket    sends every message back
"""
import asyncio
import http
import ssl
import subprocess
import sys

import websockets


class Protocol(websockets.WebSocketServerProtocol):
    async def process_request(self, path, request_headers):
        if "Upgrade" in request_headers:
            return None
        tls = self.transport.get_extra_info("ssl_object")
        how = "resumed" if tls.session_reused else "new"
        text = f"{tls.selected_alpn_protocol()} {how}\n"
        return http.HTTPStatus.OK, [("Content-Length", str(len(text)))], text.encode()


async def echo(ws, *_):
    async for message in ws:
        await ws.send(message)


async def main(directory):
    key, cert = f"{directory}/key.pem", f"{directory}/cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=test",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with websockets.serve(echo, "127.0.0.1", 0, ssl=context, create_protocol=Protocol,
                                max_size=None, compression=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main(sys.argv[1]))

"""Files in and out."""
import asyncio
import urllib.parse

import schema
from world import Cut, Fail, Upload

DOWNLOAD_MAX = 20 << 20  # "getFile": bots can download files of up to 20 MB


class Files:
    def add_file(self, name, mime, data, size=None):
        file_id = f"file{self.next_file}"
        self.next_file += 1
        public = {"file_id": file_id, "file_unique_id": "u" + file_id, "file_name": name,
                  "mime_type": mime, "file_size": len(data) if size is None else size}
        self.files[file_id] = {"public": public, "data": data, "path": f"documents/{file_id}"}
        return self.files[file_id]

    async def do_getfile(self, bot, args):
        file = self.files.get(args["file_id"])
        if not file:
            raise Fail(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if file["public"]["file_size"] > DOWNLOAD_MAX:
            raise Fail(400, "Bad Request: file is too big")
        return {"file_id": args["file_id"], "file_unique_id": "u" + args["file_id"],
                "file_size": file["public"]["file_size"], "file_path": file["path"]}

    async def download(self, writer, path):
        token, _, name = path[len("/file/bot"):].partition("/")
        file = next((f for f in self.files.values() if f["path"] == name), None)
        self.counts["download"] += 1
        fault = next((f for f in self.faults if f.method == "download"
                      and f.applies("download", None, None, self.dice)), None)
        if fault:
            self.injected["download"] += 1
            if fault.kind == "hang":
                await asyncio.sleep(fault.spec.get("seconds", 3600))
                raise Cut
            await self.reply(writer, fault.spec["status"], b"no", "text/plain")
        elif urllib.parse.unquote(token) not in self.bots or not file:
            await self.reply(writer, 404, {"ok": False, "error_code": 404, "description": "Not Found"})
        else:
            await self.send_file(writer, file["data"])
        return True

    async def send_file(self, writer, data):
        """Piece by piece, so that it is counted how much of it was taken."""
        writer.write(b"HTTP/1.1 200 X\r\nContent-Type: application/octet-stream\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(data))
        for at in range(0, len(data), 1 << 16):
            writer.write(data[at:at + (1 << 16)])
            await writer.drain()
            self.counts["download bytes"] += len(data[at:at + (1 << 16)])
        await writer.drain()


def multipart(options, body):
    """RFC 7578. Names are checked like any other parameter's."""
    boundary = next((o.strip()[9:].strip('"') for o in options.split(";") if o.strip().startswith("boundary=")), "")
    if not boundary:
        raise Fail(400, "Bad Request: boundary is not given")
    sent = {}
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise Fail(400, "Bad Request: the form has no end")
    for part in parts[1:-1]:
        head, _, data = part.partition(b"\r\n\r\n")
        names, mime = {}, "application/octet-stream"
        for line in head.decode("utf-8", "replace").split("\r\n"):
            field, _, value = line.partition(":")
            if field.strip().lower() == "content-disposition":
                for one in value.split(";")[1:]:
                    k, _, v = one.strip().partition("=")
                    names[k] = v.strip('"')
            elif field.strip().lower() == "content-type":
                mime = value.strip()
        if "filename" in names:
            sent[names["name"]] = Upload(names["filename"], mime, data)
        else:
            sent[names["name"]] = schema.from_form(names["name"], data.decode())
    return sent

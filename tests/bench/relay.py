"""What it costs to pass on a model's stream: events in, frames out."""
import shutil
import socket
import subprocess
import time

import measure
import nexflow
from measure import median

NGINX = """daemon off; worker_processes 1; pid {dir}/pid; error_log {dir}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir};
    uwsgi_temp_path {dir}; scgi_temp_path {dir};
    upstream model {{ server 127.0.0.1:{model}; keepalive 256; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_buffering off; proxy_read_timeout 300s;
        }}
    }}
}}
"""


class Nginx:
    """One worker that relays the same streams unbuffered."""

    def __init__(self, place, model):
        where = place.fresh()
        self.port = nexflow.free_port()
        conf = where / "nginx.conf"
        conf.write_text(NGINX.format(dir=where, model=model, port=self.port), encoding="ascii")
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.master = subprocess.Popen([program, "-p", where, "-c", conf],
                                       stderr=subprocess.DEVNULL)
        place.stops.append(lambda: (self.master.terminate(), self.master.wait()))
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        children = f"/proc/{self.master.pid}/task/{self.master.pid}/children"
        workers = []
        while not workers and time.monotonic() < end:  # the master listens before it forks
            with open(children, encoding="ascii") as f:
                workers = f.read().split()
        self.worker = int(workers[0])

    def read_streams(self, streams):
        """Ask for `streams` answers at once and read them to their ends, as fast as turn_load does:
        whom a sent event has to wake costs the sender."""
        subprocess.run([measure.BIN / "stream_load", str(self.port), str(streams)], check=True,
                       timeout=600)


def spent(pid, run):
    before = measure.cpu_us(pid)
    run()
    return measure.cpu_us(pid) - before


def compare(place, model, streams, answers, deltas, rounds):
    """CPU per event of (daemon, nginx), by rounds; `answers` for each stream in turn."""
    daemon, nginx = place.daemon(model), Nginx(place, model)
    cookies = place.cookies(daemon, streams)
    events = streams * answers * deltas
    ours, theirs = [], []

    def through_nginx():
        for _ in range(answers):
            nginx.read_streams(streams)

    measure.load(daemon, cookies, streams, streams)
    nginx.read_streams(streams)
    for _ in range(rounds):
        ours.append(spent(daemon.process.pid, lambda: measure.load(
            daemon, cookies, streams, streams * answers)) / events)
        theirs.append(spent(nginx.worker, through_nginx) / events)
    daemon.stop()
    return ours, theirs


def further(place, streams, answers, few, many, rounds):
    """CPU of each event over `few` of an answer that comes in one piece, of (daemon, nginx)."""
    sides = []
    for deltas in (few, many):
        ours, theirs = compare(place, place.model(deltas), streams, answers, deltas, rounds)
        sides.append((median(ours) * deltas, median(theirs) * deltas))
    return tuple((more - less) / (many - few) for less, more in zip(*sides))


def relay(place, Row, quick):
    """CPU per event of a model's stream, to /ws frames, beside nginx passing it on unbuffered

    The daemon's share has everything in it that a turn costs besides, such as the transactions: of an
    answer in one piece that is most of it. What an event costs is told by answers that differ in
    nothing but their number of events.
    """
    rounds, rows = (2 if quick else 5), []
    for what, deltas, interval, streams, answers in (
            ("64 streams, an event each 10 ms", 400, 10, 64, 1),
            ("8 streams, an event each 10 ms", 400, 10, 8, 1),
            ("64 streams, 200 events in one piece", 200, 0, 64, 4)):
        ours, theirs = compare(place, place.model(deltas, interval), streams, answers, deltas,
                               rounds)
        ratio = median(o / t for o, t in zip(ours, theirs))
        rows.append(Row(what, median(ours), "us CPU", median(theirs), "nginx, us", ratio, "<= 1.2",
                        ratio <= 1.2))
    ours, theirs = further(place, 64, 4, 50, 250, rounds)
    rows.append(Row("  each event over 50 of such a piece", ours, "us CPU", theirs, "nginx, us",
                    ours / theirs, "<= 1.2", ours <= 1.2 * theirs))
    return rows

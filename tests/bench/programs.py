"""The benchmarks that are programs of their own: their output as rows."""
import json
import re
import subprocess

from measure import BIN, median


def text_of(program, *args, seconds=900):
    out = subprocess.run([BIN / program, *map(str, args)], stdout=subprocess.PIPE, check=True,
                         text=True, timeout=seconds)
    return out.stdout


def http(place, Row, quick):
    """CPU of a JSON echo beside a bare epoll loop; memory of idle web sockets in the server alone"""
    got = json.loads(text_of("http_bench", "--json", "--rounds", 3 if quick else 9))
    rows = [Row("JSON echo", got["echo_cpu_us"], "us CPU", got["epoll_cpu_us"], "bare epoll, us",
                got["echo_ratio"], "<= 1.2", got["echo_ratio"] <= 1.2)]
    for n in (1000, 10000):
        each = got[f"idle_ws_bytes_{n}"]
        if each > 0:
            rows.append(Row(f"idle web socket, of {n:,}", each, "bytes", None, "", None,
                            "<= 2,048 bytes", each <= 2048))
    return rows


def storage(place, Row, quick):
    """turns of the SQLite driver alone beside the same rows by bare SQLite"""
    runs = [text_of("storage_bench", place.fresh(), 1) for _ in range(1 if quick else 3)]
    fsync = median(float(re.search(r"p50 (\d+) us", run)[1]) for run in runs)
    rows = [Row("fdatasync of 4 KiB", fsync, "us")]
    for at_once in (1, 8, 64):
        lines = [re.search(rf"^ *{at_once} \|(.*)$", run, re.M)[1].split("|") for run in runs]
        ours, cpu, grouped, bare, bare_cpu, ratio = (
            median(float(line[i]) for line in lines) for i in range(6))
        rows.append(Row(f"turns at once: {at_once}", ours, "turns/s", bare, "bare SQLite", ratio))
        rows.append(Row("  CPU of a turn", cpu, "us", bare_cpu, "bare SQLite, us", cpu / bare_cpu))
        rows.append(Row("  transactions in a commit", grouped, ""))
    return rows


def fibers(place, Row, quick):
    """what fibers cost beside a function call"""
    rows, call = [], None
    for line in text_of("fiber_bench").splitlines():
        what, value, unit = re.fullmatch(r"(.*?) {2,}([\d.]+) (\w+)", line).groups()
        value = float(value)
        call = value if call is None else call
        if unit == "ns":
            rows.append(Row(what, value, unit, call, "a call, ns", value / call))
        else:
            rows.append(Row(what, value, unit))
    return rows


def sandbox(place, Row, quick):
    """what jails cost beside starting /bin/true, and beside bubblewrap"""
    plugin = BIN.parent / "tests/sandbox_plugin.so"
    lines = text_of("sandbox_bench", plugin, 40 if quick else 300).splitlines()
    p50 = {line.split()[0]: float(line.split()[1]) for line in lines if not line.startswith("level")}
    bare, bwrap = p50["bare"], p50["bwrap"]
    rows = [Row(f"/bin/true, sandbox {lines[-1].split()[1]}", bare, "us")]
    for name, what, most in (("template_full", "template, everything", 3.2),
                             ("template_l1", "template, no namespaces", 1.6),
                             ("worker", "worker with its plugin", 0.35)):
        ratio = p50[name] / bare
        rows.append(Row(what, p50[name], "us", bare, "/bin/true, us", ratio, f"<= {most}",
                        ratio <= most))
    for name, what in (("program", "jailed /bin/true, first time"),
                       ("program_again", "jailed /bin/true, again")):
        ratio = p50[name] / bwrap
        rows.append(Row(what, p50[name], "us", bwrap, "bubblewrap, us", ratio, "<= 0.35",
                        ratio <= 0.35))
    rows.append(Row("probe", p50["probe"] / 1000, "ms"))
    return rows


def history(place, Row, quick):
    """the last 50 messages of a session in a big database"""
    return history_rows(place, Row, 20000 if quick else 200000)


def history_rows(place, Row, messages):
    text = text_of("history_bench", messages, place.fresh(), seconds=3600)
    rows = []
    for line in text.splitlines():
        found = re.fullmatch(r"(.*): +p50 +(\d+) us, p99 +(\d+) us", line)
        if found:
            rows.append(Row(found[1], float(found[2]), "us p50", float(found[3]), "us p99"))
    return rows


def skills(place, Row, quick):
    """calls to plugins in their jails beside a raw ping-pong over pipes, posix_spawn and bwrap"""
    options = ["--json"] + (["--quick"] if quick else [])
    got = json.loads(text_of("skills_bench", *options, BIN / "nexflow-skill",
                             BIN / "skills_plugin.so"))
    ping, spawn = got["ping_us"], got["spawn_us"]

    def row(what, key, beside, beside_what, most):
        ratio = got[key] / beside if beside else None
        return Row(what, got[key], "us", beside, beside_what, ratio, f"<= {most}",
                   None if ratio is None else ratio <= most)

    return [
        row("pooled call", "jailed_us", ping, "ping-pong, us", 1.15),
        row("  the same without a jail", "plain_us", ping, "ping-pong, us", 1.15),
        row("  tax of the sandbox", "jailed_us", got["plain_us"], "without, us", 1.04),
        row("  through the daemon's loop", "pooled_us", got["loop_ping_us"], "loop's ping-pong", 1.15),
        row("broker round trip, in the loop", "ask_us", got["loop_ping_us"], "loop's ping-pong", 1.15),
        row("oneshot call", "oneshot_us", got["pooled_us"], "pooled, us", 5),
        row("  after a rest", "oneshot_rested_us", got["rested_us"], "pooled after a rest, us", 5),
        row("  a fresh process", "oneshot_us", spawn, "posix_spawn true, us", 0.05),
        row("worker ready", "ready_us", spawn, "posix_spawn true, us", 0.35),
        row("first call of a cold skill", "cold_us", spawn, "posix_spawn true, us", 3.2),
        Row("  in a jail that was not made beforehand", got["cold_alone_us"], "us", spawn,
            "posix_spawn true, us", got["cold_alone_us"] / spawn),
        row("program, called for the first time", "first_us", got["bwrap_rested_us"], "bwrap after a rest, us", 0.35),
        row("  the same", "first_us", got["bwrap_us"], "bwrap without one, us", 0.35),
        row("  called again", "program_us", got["bwrap_rested_us"], "bwrap after a rest, us", 0.35),
        Row("  in a jail that was not made beforehand", got["jail_us"], "us", got["bwrap_us"], "bwrap, us",
            got["jail_us"] / got["bwrap_us"] if got["bwrap_us"] else None),
        Row("calls in a second", got["calls_per_s"], "1/s", goal=">= 120,000",
            met=got["calls_per_s"] >= 120000),
        Row("PSS of an idle worker", got["idle_pss_kib"], "KiB", goal="<= 100",
            met=got["idle_pss_kib"] <= 100),
        Row("  its page tables", got["idle_tables_kib"], "KiB"),
        Row("PSS of the spare for the next skill", got["spare_pss_kib"], "KiB"),
        Row("  its RSS", got["spare_rss_kib"], "KiB"),
    ]

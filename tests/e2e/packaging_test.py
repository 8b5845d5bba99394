"""The unit of the package, as systemd itself reads and judges it."""
import configparser
import re
import subprocess

import nexflow

UNIT = nexflow.TOP / "script/packaging/nexflow.service"
# systemd's own measure, from 0 (nothing could be taken away) to 10. Most of what is left is what the
# sandboxes of skills are built of (the comment in the unit says which).
EXPOSURE_MAX = 4.1


def analyze(*arguments):
    done = subprocess.run(["systemd-analyze", "--no-pager", *arguments], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def unit_of(directory):
    """The unit for programs that lie where this build has put them."""
    text = UNIT.read_text(encoding="utf-8")
    assert text.count("ExecStart=/usr/bin/nexflowd ") == 1
    unit = directory / UNIT.name
    unit.write_text(text.replace("=/usr/bin/nexflowd ", f"={nexflow.BIN.resolve()}/nexflowd "), encoding="utf-8")
    return unit


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    status, said = analyze("verify", "--man=no", unit_of(tmp_path))
    # A key of systemd 254, which older ones may ignore (the comment in the unit).
    said = [line for line in said.splitlines() if "Unknown key 'DelegateSubgroup'" not in line]
    assert status == 0 and said == []


def test_little_is_left_that_could_be_taken_from_it(tmp_path):
    status, said = analyze("security", "--offline=yes", f"--threshold={EXPOSURE_MAX * 10:.0f}", unit_of(tmp_path))
    assert status == 0, said
    found = re.search(r"Overall exposure level for nexflow.service: ([\d.]+)", said)
    assert found and float(found.group(1)) <= EXPOSURE_MAX, said


def test_a_database_that_is_away_for_long_does_not_use_up_the_starts(tmp_path):
    """A start without it fails within a second, and the next is soon: so many must have no limit."""
    d = nexflow.Daemon(tmp_path, database=f"postgresql://nobody@127.0.0.1:{nexflow.free_port()}/x").start(wait=False)
    assert d.process.wait(nexflow.WAIT_S) == 1 and "database" in d.log()
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(UNIT, encoding="utf-8")
    assert unit["Service"]["Restart"] == "always" and float(unit["Service"]["RestartSec"]) <= 5
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"

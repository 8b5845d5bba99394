"""A certificate authority of a test, and certificates of it, made by openssl(1)."""
import pathlib
import subprocess

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Authority:
    """Its certificate is `file`."""

    def __init__(self, directory, name="ca"):
        self.dir = pathlib.Path(directory)
        self.file, self.key = self.dir / f"{name}.crt", self.dir / f"{name}.key"
        self._openssl("req", "-x509", *KEY, "-keyout", self.key, "-out", self.file, "-days", "2",
                      "-subj", "/CN=an authority for tests")

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def issue(self, name):
        """(certificate, key) for the DNS name."""
        cert, key, request = (self.dir / f"{name}.{end}" for end in ("crt", "key", "csr"))
        more = self.dir / f"{name}.ext"
        more.write_text(f"subjectAltName=DNS:{name}\n", encoding="ascii")
        self._openssl("req", *KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        self._openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial",
                      "-days", "2", "-extfile", more, "-out", cert)
        return cert, key

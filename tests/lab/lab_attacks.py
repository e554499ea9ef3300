"""What is tried against the lab, and what has to come of it: the list behind docs/lab-security.md.

Each attack has everything right but the one thing that it is about: the right Host, the right
Origin, the right cookie.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab_client import LabProcess

Request = Callable[[LabProcess], bytes]
# A folder as a lab makes them for what is taken out, made by nobody.
PLANTED = "0123456789abcdef"


@dataclass(frozen=True)
class Attack:
    """One attempt.

    Attributes:
        group, words: what is tried, for the table.
        outcome: the HTTP status; `closed`: the connection ends without an answer; `refused`: a
            sentence says why not.
        request: the bytes of an HTTP request (or handshake), or None.
        says: what is said over a WebSocket: a message, or raw bytes of frames.
        hello: whether the page says hello first.
    """

    group: str
    words: str
    outcome: str
    request: Request | None = None
    says: Any = None
    hello: bool = True


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def http(
    method: str = "GET", path: str = "/", body: bytes = b"", **changed: str | list[str] | None
) -> Request:
    """A request with the right headers, but for those that are changed (None: left out)."""

    def make(lab: LabProcess) -> bytes:
        headers: dict[str, Any] = {"Host": lab.host, "Cookie": lab.cookie}
        if method != "GET" or "Upgrade" in changed:
            headers["Origin"] = f"http://{lab.host}"
        if body and "Transfer_Encoding" not in changed:
            headers["Content-Length"] = str(len(body))
        for name, value in changed.items():
            headers[name.replace("_", "-")] = value
        lines = [f"{method} {path} HTTP/1.1"]
        for name, value in headers.items():
            given = value if isinstance(value, list) else [value]
            lines += [f"{name}: {one}" for one in given if one is not None]
        head = "\r\n".join([*lines, "Connection: close" * ("Upgrade" not in changed)]).rstrip()
        head = head.replace("PORT", str(lab.port)).replace("COOKIE", lab.cookie)
        return f"{head}\r\n\r\n".encode("latin-1") + body

    return make


def post(path: str = "/upload/there/a.npz", body: bytes = b"x", **changed: Any) -> Request:
    return http("POST", path, body, **changed)


def handshake(**changed: Any) -> Request:
    upgrade = {name.replace("-", "_"): value for name, value in UPGRADE.items()}
    return http("GET", changed.pop("path", "/socket"), **upgrade | changed)


def plain(request: bytes) -> Request:
    def make(lab: LabProcess) -> bytes:
        return request.replace(b"HOST", lab.host.encode()).replace(b"COOKIE", lab.cookie.encode())

    return make


def token(lab: LabProcess) -> bytes:
    return http(path=f"/?token={lab.token}", Cookie=None)(lab)


def hosts() -> list[Attack]:
    names = [
        ("another site's name", "evil.example"),
        ("another site's name with the right port", "evil.example:PORT"),
        ("the right name without the port", "localhost"),
        ("the right address without the port", "127.0.0.1"),
        ("another port", "127.0.0.1:1"),
        ("another loopback address", "127.0.0.2:PORT"),
        ("the address of all interfaces", "0.0.0.0:PORT"),
        ("the loopback address of IPv6", "[::1]:PORT"),
        ("a name that ends with a dot", "localhost.:PORT"),
        ("a name below localhost", "evil.localhost:PORT"),
        ("a name and the address behind an @", "evil.example@127.0.0.1:PORT"),
        ("the address in decimal", "2130706433:PORT"),
        ("an address of nip.io", "127.0.0.1.nip.io:PORT"),
        ("an empty Host", ""),
    ]
    tried = [Attack("Host", words, "421", http(Host=name)) for words, name in names]
    forwarded = {"X_Forwarded_Host": "127.0.0.1:PORT", "Forwarded": "host=127.0.0.1:PORT"}
    return [
        *tried,
        Attack("Host", "none at all", "400", http(Host=None)),
        Attack("Host", "two, the right one first", "400", http(Host=["127.0.0.1:PORT", "evil"])),
        Attack(
            "Host",
            "a foreign one, the right one as X-Forwarded-Host",
            "421",
            http(Host="evil.example", **forwarded),
        ),
        Attack(
            "Host",
            "a foreign one in the request line too",
            "421",
            http(path="http://evil.example/", Host="evil.example"),
        ),
        Attack("Host", "a foreign one, for a WebSocket", "403", handshake(Host="evil.example")),
    ]


def origins() -> list[Attack]:
    names: list[tuple[str, Any]] = [
        ("none at all", None),
        ("`null`, as from a sandboxed frame", "null"),
        ("another site's", "http://evil.example"),
        ("another port of this machine", "http://127.0.0.1:1"),
        ("https in place of http", "https://127.0.0.1:PORT"),
        ("the lab's other name", "http://localhost:PORT"),
        ("a name that begins like the lab's", "http://127.0.0.1:PORT.evil.example"),
        ("a page opened from the disk", "file://"),
        ("an empty one", ""),
        ("a list of two", "http://127.0.0.1:PORT, http://evil.example"),
    ]
    return [
        *[
            Attack("Origin", f"{words}, on an upload", "403", post(Origin=one))
            for words, one in names
        ],
        *[
            Attack("Origin", f"{words}, for a WebSocket", "403", handshake(Origin=one))
            for words, one in names
        ],
        Attack(
            "Origin",
            "two, the right one first, on an upload",
            "403",
            post(Origin=["http://127.0.0.1:PORT", "http://evil.example"]),
        ),
        Attack("Origin", "another site's, on a page", "403", http(Origin="http://evil.example")),
        *[
            Attack("Origin", f"Sec-Fetch-Site: {site}", "403", http(Sec_Fetch_Site=site))
            for site in ("cross-site", "same-site", "same-origin, none")
        ],
    ]


def sessions() -> list[Attack]:
    name = "firstlight-lab-PORT"
    cookies: list[tuple[str, Any]] = [
        ("no cookie", None),
        ("an empty cookie", f"{name}="),
        ("a forged cookie", f"{name}={'A' * 43}"),
        ("the cookie of another port", "firstlight-lab-1=" + "A" * 43),
        ("the right cookie and another of its name", [f"COOKIE; {name}=x"]),
        ("the right cookie with a letter more", "COOKIEa"),
    ]
    return [
        *[
            Attack("Session", f"{words}, for the page", "401", http(Cookie=one))
            for words, one in cookies
        ],
        *[
            Attack("Session", f"{words}, for a WebSocket", "403", handshake(Cookie=one))
            for words, one in cookies
        ],
        Attack("Session", "no cookie, for the script", "401", http(path="/lab.js", Cookie=None)),
        Attack("Session", "no cookie, on an upload", "401", post(Cookie=None)),
        Attack("Session", "the token a second time", "401", token),
        Attack("Session", "a wrong token", "401", http(path="/?token=wrong", Cookie=None)),
        Attack("Session", "an empty token", "401", http(path="/?token=", Cookie=None)),
        Attack("Session", "two tokens", "401", http(path="/?token=a&token=b", Cookie=None)),
        Attack("Session", "many parameters", "401", http(path="/?a&b&c&d&e&f", Cookie=None)),
        Attack(
            "Session", "a token for another page", "401", http(path="/lab.js?token=a", Cookie=None)
        ),
        Attack("Session", "a token by POST", "401", post("/?token=a", Cookie=None)),
        Attack(
            "Session",
            "a token as a header",
            "401",
            http(Cookie=None, Authorization="Bearer token"),
        ),
    ]


def paths() -> list[Attack]:
    pages = [
        ("/../pyproject.toml", "404"),
        ("/%2e%2e/pyproject.toml", "404"),
        ("/..%2f..%2fetc/passwd", "404"),
        ("/%252e%252e/secret", "404"),
        ("/lab.js/../../secret.csv", "404"),
        ("//etc/passwd", "404"),
        ("/..\\..\\secret", "404"),
        ("/lab.js%00.html", "404"),
        ("/.lab/document.json", "404"),
        ("/halves.npz", "404"),
        ("/%ff%fe", "404"),
        ("/static/lab.js", "404"),
        ("/socket", "404"),
        ("/" + "a" * 3000, "414"),
        ("/?" + "a" * 3000, "414"),
    ]
    uploads = [
        ("a file above the upload", "/upload/there/../../x.npz", "400"),
        ("the same, encoded", "/upload/there/%2e%2e/%2e%2e/x.npz", "400"),
        ("the same, slashes encoded", "/upload/there/..%2f..%2fx.npz", "400"),
        ("an absolute path", "/upload/there//etc/x.npz", "400"),
        ("a backslash", "/upload/there/..%5cx.npz", "400"),
        ("a hidden file", "/upload/there/.bashrc", "400"),
        ("a hidden folder", "/upload/there/.ssh/keys", "400"),
        ("a line break in the name", "/upload/there/a%0ab.npz", "404"),
        ("a zero byte in the name", "/upload/there/a%00.npz", "400"),
        ("a terminal command in the name", "/upload/there/a%1b[2J.npz", "400"),
        ("a name of 200 letters", f"/upload/there/{'a' * 200}", "400"),
        ("a path of ten folders", "/upload/there/" + "a/" * 10 + "x", "400"),
        ("an empty part of a path", "/upload/there/a//x", "400"),
        ("no path", "/upload/there/", "400"),
        ("through a link out of the upload", "/upload/there/out/x.npz", "400"),
        ("an upload that is not there", "/upload/other/x.npz", "400"),
        ("an upload above the uploads", "/upload/../x.npz", "400"),
        ("an upload called like an option", "/upload/--help/x.npz", "400"),
    ]
    return [
        *[
            Attack(
                "Path",
                f"`{path if len(path) < 60 else path[:12] + ' ...'}`",
                status,
                http(path=path),
            )
            for path, status in pages
        ],
        *[
            Attack("Path", f"upload: {words}", status, post(path))
            for words, path, status in uploads
        ],
    ]


def taken_out() -> list[Attack]:
    made = "/export/first/keras/first.keras"
    paths = [
        ("a file that another lab has made", made),
        ("the same by its folder", f"/export/{PLANTED}/keras/first.keras"),
        ("the same by its path", f"/export/{PLANTED}/first/keras/first.keras"),
        ("another form", "/export/first/secret/first.keras"),
        ("no name", "/export/first/keras/"),
        ("no run", "/export//keras/first.keras"),
        ("a file above", "/export/first/keras/../../../secret.csv"),
        ("the same, encoded", "/export/first/keras/%2e%2e"),
        ("the same, slashes encoded", "/export/first/keras/..%2f..%2f..%2fsecret.csv"),
        ("the folder of runs", "/export/.."),
        ("an absolute path", "/export/first/keras//etc/passwd"),
        ("a zero byte", "/export/first/keras/first.keras%00"),
        ("a report of a run that is not there", "/report/first"),
        ("a report through a link out of the folder of runs", "/report/away"),
        ("a report above the folder of runs", "/report/.."),
        ("the same, encoded", "/report/%2e%2e"),
        ("the same, slashes encoded", "/report/..%2f..%2fsecret"),
        ("a report of the lab's own folder", "/report/.lab"),
        ("a report with a zero byte", "/report/away%00"),
        ("another file of a run", "/report/away/run.json"),
    ]
    wrong: list[tuple[str, str, dict[str, Any]]] = [
        ("without a cookie", "401", {"Cookie": None}),
        ("with a forged cookie", "401", {"Cookie": f"firstlight-lab-PORT={'A' * 43}"}),
        ("with a token", "401", {"Cookie": None, "query": "?token=a"}),
        ("by another Host", "421", {"Host": "evil.example"}),
        ("by another Origin", "403", {"Origin": "http://evil.example"}),
        ("by another site", "403", {"Sec_Fetch_Site": "cross-site"}),
        ("by a page of this machine's other port", "403", {"Sec_Fetch_Site": "same-site"}),
    ]
    attacks = [Attack("Export", words, "404", http(path=path)) for words, path in paths]
    for words, status, changed in wrong:
        query = changed.pop("query", "")
        attacks += [
            Attack("Export", f"{what} {words}", status, http(path=path + query, **changed))
            for what, path in (("a file", made), ("a report", "/report/away"))
        ]
    return [
        *attacks,
        *[
            Attack("Export", f"a file by {method}", "405", http(method, made))
            for method in ("POST", "PUT", "DELETE")
        ],
        Attack("Export", "a report by POST", "405", post("/report/away", b"")),
        Attack("Export", "a file with a body", "413", http(path=made, body=b"x" * 100)),
    ]


def bodies() -> list[Attack]:
    chunked = {"Transfer_Encoding": "chunked", "Content_Length": None}
    large = b"200000\r\n" + b"x" * 0x200000 + b"\r\n0\r\n\r\n"
    return [
        Attack(
            "Body",
            "more than may be uploaded, by its length",
            "413",
            post(Content_Length="99999999"),
        ),
        Attack("Body", "more than may be uploaded, in chunks", "413", post(body=large, **chunked)),
        Attack("Body", "a length of 30 digits", "413", post(Content_Length="9" * 19)),
        Attack("Body", "a body where none belongs", "413", http(body=b"x" * 100)),
        Attack(
            "Body",
            "a body in chunks where none belongs",
            "413",
            http(body=b"5\r\nhello\r\n0\r\n\r\n", **chunked),
        ),
        Attack("Body", "a negative length", "400", post(Content_Length="-1")),
        Attack("Body", "a length in words", "400", post(Content_Length="many")),
        Attack("Body", "two lengths", "400", post(Content_Length=["1", "2"])),
        Attack(
            "Body",
            "a length and chunks (request smuggling)",
            "400",
            post(
                body=b"0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
                Transfer_Encoding="chunked",
                Content_Length="4",
            ),
        ),
        Attack("Body", "chunks by another name", "400", post(Transfer_Encoding="xchunked")),
        Attack("Body", "chunks twice", "400", post(Transfer_Encoding=["chunked", "chunked"])),
        Attack(
            "Body",
            "a chunk whose size is no number",
            "400",
            post(body=b"zz\r\nhello\r\n0\r\n\r\n", **chunked),
        ),
        Attack("Body", "a body that stops halfway", "408", post(Content_Length="50")),
        Attack("Body", "chunks that stop halfway", "408", post(body=b"5\r\nhel", **chunked)),
    ]


def requests() -> list[Attack]:
    methods = ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"]
    start = b"GET / HTTP/1.1\r\nHost: HOST\r\nCookie: COOKIE\r\n"
    return [
        *[Attack("Request", f"the method {method}", "405", http(method)) for method in methods],
        Attack("Request", "the method POST for a page", "405", post("/", b"")),
        Attack("Request", "the method GET for an upload", "404", http(path="/upload/there/a")),
        Attack(
            "Request",
            "a method in another alphabet",
            "400",
            plain("ГЕТ / HTTP/1.1\r\n\r\n".encode()),
        ),
        Attack("Request", "no HTTP at all", "400", plain(b"\x00\x01\x02\x03\r\n\r\n")),
        Attack(
            "Request", "the beginning of TLS", "400", plain(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        ),
        Attack("Request", "HTTP/0.9", "400", plain(b"GET /\r\n\r\n")),
        Attack(
            "Request", "HTTP/2 without asking", "421", plain(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        ),
        Attack(
            "Request", "a blank before a header's colon", "400", plain(start + b"A : b\r\n\r\n")
        ),
        Attack(
            "Request", "a header over two lines", "400", plain(b"GET / HTTP/1.1\r\n A: b\r\n\r\n")
        ),
        Attack("Request", "a zero byte in a header", "400", plain(start + b"A: \x00\r\n\r\n")),
        Attack(
            "Request", "a carriage return in a header", "400", plain(start + b"A: b\rC: d\r\n\r\n")
        ),
        Attack(
            "Request",
            "a header of 100 kB",
            "431",
            plain(start + b"A: " + b"x" * 100_000 + b"\r\n\r\n"),
        ),
        Attack("Request", "headers that never end", "431", plain(start + b"A: b\r\n" * 20_000)),
        Attack("Slow", "a connection that says nothing", "closed", plain(b"")),
        Attack("Slow", "half a request line", "closed", plain(b"GE")),
        Attack("Slow", "headers without their end", "closed", plain(start)),
    ]


def handshakes() -> list[Attack]:
    return [
        Attack("WebSocket", "another path", "403", handshake(path="/other")),
        Attack("WebSocket", "a path around the corner", "403", handshake(path="/a/../socket")),
        Attack("WebSocket", "no key", "400", handshake(Sec_WebSocket_Key=None)),
        Attack("WebSocket", "a key that is none", "400", handshake(Sec_WebSocket_Key="x")),
        Attack("WebSocket", "version 8", "400", handshake(Sec_WebSocket_Version="8")),
        Attack("WebSocket", "the upgrade to another protocol", "404", handshake(Upgrade="h2c")),
    ]


def frames() -> list[Attack]:
    def masked(first: int, payload: bytes) -> bytes:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xff" + size.to_bytes(8, "big")
        return bytes([first]) + length + b"\0\0\0\0" + payload

    large = b'{"kind":"hello"' + b" " * 70_000 + b"}"
    tried = [
        ("a frame without a mask", b"\x81\x05hello"),
        ("a frame of an unknown kind", masked(0x83, b"x")),
        ("a frame with a reserved bit", masked(0xC1, b"x")),
        ("a frame of more than 64 kB", masked(0x81, large)),
        ("a frame that says it has 4 exabytes", b"\x81\xff" + b"\x40" + b"\0" * 11),
        (
            "a message of many frames, more than 64 kB",
            masked(0x01, large[:40_000]) + masked(0x80, large[40_000:]),
        ),
        ("a text that is no UTF-8", masked(0x81, b"\xff\xfe")),
        ("a ping of 200 bytes", masked(0x89, b"x" * 200)),
        ("a message that goes on without having begun", masked(0x80, b"x")),
        ("a message as bytes", masked(0x82, b'{"kind":"hello"}')),
        ("a close with a forbidden code", masked(0x88, b"\x03\xed")),
    ]
    return [Attack("Frame", words, "closed", says=raw) for words, raw in tried]


def messages() -> list[Attack]:
    edit = '{"kind":"edit","id":1,"revision":0,"change":{"kind":"settings","values":{"epochs":%s}}}'
    broken = [
        ("no JSON", "hello"),
        ("an empty message", ""),
        ("half a message", '{"kind":"hello"'),
        ("a list", "[]"),
        ("a number", "1"),
        ("null", "null"),
        ("100,000 brackets", "[" * 50_000),
        ("objects in objects, 5,000 deep", '{"kind":' * 5000),
        ("no kind", '{"id":1}'),
        ("an unknown kind", '{"kind":"delete","id":1}'),
        ("a kind of the server", '{"kind":"snapshot","id":1}'),
        ("a kind that is a list", '{"kind":["stop"],"id":1}'),
        ("a field more", '{"kind":"stop","id":1,"run":"a","force":true}'),
        ("a field less", '{"kind":"stop","id":1}'),
        ("a run that is a number", '{"kind":"stop","id":1,"run":1}'),
        ("a run that is a list", '{"kind":"stop","id":1,"run":["a"]}'),
        ("a run's name of 1,000 letters", '{"kind":"stop","id":1,"run":"' + "a" * 1000 + '"}'),
        ("a negative id", '{"kind":"stop","id":-1,"run":"a"}'),
        ("an id with a decimal point", '{"kind":"stop","id":1.5,"run":"a"}'),
        ("an id above 2^53", f'{{"kind":"stop","id":{2**60},"run":"a"}}'),
        ("an id of 1e999", '{"kind":"stop","id":1e999,"run":"a"}'),
        ("a number of 1,000 digits", edit % ("9" * 1000)),
        ("NaN", edit % "NaN"),
        ("Infinity", edit % "Infinity"),
        ("1e999", edit % "1e999"),
        ("a setting that is true", edit % "true"),
        ("a setting that is an object", edit % '{"a":1}'),
        ("100 settings at once", edit % ("1" + "".join(f',"a{k}":1' for k in range(100)))),
        ("a layer's place below none", built(kind="move", key=1, index=-1)),
        (
            "a layer's argument that is a list",
            built(kind="argument", key=1, name="a", value=[]),
        ),
        ("YAML of 60 kB", built(kind="yaml", text="#" * 60_000)),
        ("half a surrogate pair", '{"kind":"stop","id":1,"run":"\\ud800"}'),
        ("a search with a command line", '{"kind":"find-rate","id":1,"revision":0,"data":"/etc"}'),
        ("a simulation with a folder", '{"kind":"simulate","id":1,"out":"/tmp"}'),
        ("a test image below none", kernel(image=-1)),
        ("a test image above 2^31", kernel(image=2**40)),
        ("a filter that is a text", kernel(filter="0; ls")),
        ("a layer's name of 1,000 letters", kernel(layer="a" * 1000)),
        ("an epoch below none", kernel(epoch=-1)),
        ("a class of 1,000 letters", asked_of("saliency", of="a" * 1000)),
        ("images from a negative position", sampled(start=-1)),
        ("no images", sampled(count=0)),
        ("100,000 images", sampled(count=100_000)),
        ("another part", sampled(part="secret")),
        ("a run as another form", exported("make_export", form="../../x")),
        ("a run as two forms", exported("make_export", form=["keras", "onnx"])),
        ("a run into a file of one's choice", exported("make_export", to="/tmp/x.keras")),
        ("a source of another kind", source("url", "http://evil.example")),
    ]
    return [
        *[Attack("Message", words, "closed", says=text) for words, text in broken],
        Attack(
            "Message",
            "a request before hello",
            "closed",
            says={"kind": "stop", "id": 1, "run": "a"},
            hello=False,
        ),
        Attack("Slow", "a WebSocket without hello", "closed", says=b"", hello=False),
    ]


def sampled(**changed: Any) -> dict[str, Any]:
    asked = {"kind": "samples", "id": 1, "part": "train", "label": None, "start": 0, "count": 1}
    return asked | changed


def exported(kind: str, **changed: Any) -> dict[str, Any]:
    return {"kind": kind, "id": 1, "run": "first", "form": "keras"} | changed


def asked_of(kind: str, **changed: Any) -> dict[str, Any]:
    return {"kind": kind, "id": 1, "run": "a", "image": 0, "epoch": None} | changed


def kernel(**changed: Any) -> dict[str, Any]:
    return asked_of("kernel", layer=None, filter=None) | changed


def source(place: str, name: str) -> dict[str, Any]:
    change = {"kind": "source", "source": {"place": place, "name": name}}
    return {"kind": "edit", "id": 1, "revision": 0, "change": change}


def setting(name: str, value: Any, kind: str = "settings") -> dict[str, Any]:
    change = {"kind": kind, "values": {name: value}}
    return {"kind": "edit", "id": 1, "revision": 0, "change": change}


def built(**change: Any) -> dict[str, Any]:
    return {"kind": "build", "id": 1, "change": change}


NETWORKS: list[tuple[str, dict[str, Any]]] = [
    ("a layer that is code", {"kind": "add", "layer": "Lambda", "index": 0}),
    ("a layer of Python", {"kind": "add", "layer": "__class__", "index": 0}),
    ("a layer that is not there", {"kind": "remove", "key": 2**53}),
    ("an argument of Python", {"kind": "argument", "key": 1, "name": "__init__", "value": "1"}),
    (
        "an argument of 500 letters",
        {"kind": "argument", "key": 1, "name": "name", "value": "a" * 500},
    ),
    ("a recipe that is a file", {"kind": "recipe", "recipe": "../net.py:make_model"}),
    ("a fix that nobody offers", {"kind": "mend", "key": 1, "code": "rm -rf ."}),
    ("YAML that runs code", {"kind": "yaml", "text": "- !!python/object/apply:os.system [ls]"}),
    ("YAML that grows", {"kind": "yaml", "text": "- &a [x]\n- [*a, *a]\n"}),
    ("YAML of 7,000 layers", {"kind": "yaml", "text": "- ReLU\n" * 7000}),
    ("YAML, 1,000 deep", {"kind": "yaml", "text": "- " + "[" * 1000}),
]


def values() -> list[Attack]:
    away = [
        ("above the folder", "../secret/secret.csv"),
        ("above the folder, from below", "runs/../../secret"),
        ("an absolute path", "/etc/passwd"),
        ("the home folder", "~/x.npz"),
        ("through a link", "link/secret.csv"),
        ("the link itself", "link"),
        ("a hidden folder", ".hidden"),
        ("the lab's own folder", "runs/.lab"),
        ("a zero byte", "a\0b"),
        ("a device", "../../../../../../dev/zero"),
        ("a name of 400 letters", "a" * 400),
        ("a path that is called like an option", "--help"),
        ("the address of another machine", "http://evil.example/x.npz"),
    ]
    settings: list[tuple[str, str, Any]] = [
        ("a model that is a Python file", "model", "net.py:make_model"),
        ("a model elsewhere", "model", "/tmp/net.yaml"),
        ("a model that is a Keras file", "model", "../model.keras"),
        ("a setting that is not the lab's", "threads", 64),
        ("a run's name as a setting", "name", "x"),
        ("a setting called like an option", "--epochs", 1),
        ("a setting of Python", "__class__", "x"),
        ("no epochs", "epochs", 0),
        ("10^15 epochs", "epochs", 10**15),
        ("negative epochs", "epochs", -1),
        ("half an epoch", "epochs", 0.5),
        ("a text as a number", "batch_size", "128; rm -rf ."),
        ("a batch of 10^15 images", "batch_size", 10**15),
        ("a learning rate of 1e300", "learning_rate", 1e300),
        ("a number as a text", "optimizer", 1),
        ("an unknown loss", "loss", "$(reboot)"),
        ("a seed of 2^40", "seed", 2**40),
    ]
    names = [
        ("above the folder of runs", "../x"),
        ("below another run", "a/b"),
        ("called like an option", "--help"),
        ("hidden", ".lab"),
        ("with a blank", "a b"),
        ("with a line break", "a\nb"),
        ("empty parts", ".."),
        ("that is a link", "away"),
    ]
    tried = [(f"data: {words}", source("path", name)) for words, name in away]
    tried += [
        (f"look into: {words}", {"kind": "browse", "id": 1, "path": name}) for words, name in away
    ]
    tried += [
        ("data: an unknown built-in", source("builtin", "/etc")),
        ("data: an upload above the uploads", source("upload", "../..")),
        ("data: an upload that is not there", source("upload", "x")),
        ("data: a link as an upload", source("upload", "there/out")),
        ("look into: a file", {"kind": "browse", "id": 1, "path": "halves.npz"}),
    ]
    tried += [(words, setting(name, value)) for words, name, value in settings]
    tried += [
        ("a way to read that is not the lab's", setting("shards", "/etc", "reading")),
        ("an edit of an old document", {**setting("epochs", 1), "revision": 99}),
        ("a start of an old document", {"kind": "start", "id": 1, "revision": 99, "name": "a"}),
        ("a start without data", {"kind": "start", "id": 1, "revision": 0, "name": "a"}),
        ("a condition that is code", setting("keep", "__import__('os').abort()", "reading")),
        ("bounds that are code", setting("bounds", "x=exit():1", "reading")),
        ("memory that is none", setting("memory", "1e999GB", "reading")),
        ("a search for an old document", {"kind": "find-rate", "id": 1, "revision": 99}),
        ("a search without data", {"kind": "find-rate", "id": 1, "revision": 0}),
        ("a simulation that nobody chose", {"kind": "simulate", "id": 1}),
        ("images before there are any", sampled()),
    ]
    tried += [(f"network: {words}", built(**change)) for words, change in NETWORKS]
    tried += [(f"look inside a run {words}", asked_of("inside", run=name)) for words, name in names]
    for verb in ("stop", "resume", "curve"):
        tried += [
            (f"{verb} a run {words}", {"kind": verb, "id": 1, "run": name}) for words, name in names
        ]
    for kind, words in (("make_export", "take out"), ("stop_export", "stop taking out")):
        tried += [(f"{words} a run {which}", exported(kind, run=name)) for which, name in names]
    tried += [
        (f"ask what was taken out of a run {which}", {"kind": "exports", "id": 1, "run": name})
        for which, name in names
    ]
    return [Attack("Value", words, "refused", says=message) for words, message in tried]


def trying() -> list[Attack]:
    """What is asked of a trained network."""
    asked: dict[str, dict[str, Any]] = {
        "test-report": {},
        "answers": {"which": {"kind": "worst", "target": 0}, "start": 0, "count": 1},
        "drawn": {"ink": "AAAA"},
        "dropped": {"upload": "there", "side": {}},
    }

    def message(kind: str, run: str = "a", **changed: Any) -> dict[str, Any]:
        return {"kind": kind, "id": 1, "run": run, **asked[kind], **changed}

    broken = [
        ("a drawing that is no base64", message("drawn", ink="?")),
        ("a drawing that is a list of numbers", message("drawn", ink=[0] * 784)),
        ("a drawing of 45,000 bytes", message("drawn", ink="A" * 60_000)),
        ("test images of another kind", message("answers", which={"kind": "all"})),
        ("a cell without a class", message("answers", which={"kind": "cell", "true": 1})),
        (
            "a test image before the first",
            message("answers", which={"kind": "one", "position": -1}),
        ),
        ("100,000 test images", message("answers", count=100_000)),
        ("a number beside an image that is a text", message("dropped", side={"z": "7"})),
        (
            "100 numbers beside an image",
            message("dropped", side={f"z{number}": 1.0 for number in range(100)}),
        ),
    ]
    away = [
        ("above the folder of runs", "../x"),
        ("with an absolute path", "/etc"),
        ("that is a hidden folder", ".lab"),
        ("that is not there", "missing"),
        ("without a name", ""),
        ("with a zero byte", "a\0b"),
    ]
    refused = [
        (f"{kind}: a run {words}", message(kind, run=name))
        for kind in asked
        for words, name in away
    ]
    refused += [
        ("dropped: an upload above the uploads", message("dropped", upload="../uploads/there")),
        ("dropped: an upload to train on", message("dropped")),
        ("dropped: a link as an upload", message("dropped", upload="there/out")),
    ]

    def looked(**changed: Any) -> dict[str, Any]:
        image = {"kind": "uploaded", "upload": "there", "place": 0, "side": {}, **changed}
        return {"kind": "inside", "id": 1, "run": "a", "epoch": None, "image": image}

    broken += [
        ("an image of another kind to look inside at", looked(kind="file")),
        ("an image to look inside at before the first", looked(place=-1)),
        ("a path beside an image to look inside at", looked(path="/etc/passwd")),
    ]
    refused += [
        ("look inside: an upload above the uploads", looked(upload="../uploads/there")),
        ("look inside: an upload to train on", looked()),
        ("look inside: a link as an upload", looked(upload="there/out")),
        ("look inside: a hidden folder as an upload", looked(upload=".lab")),
    ]
    return [
        *[Attack("Message", words, "closed", says=one) for words, one in broken],
        *[Attack("Value", words, "refused", says=one) for words, one in refused],
    ]


ATTACKS = [
    *hosts(),
    *origins(),
    *sessions(),
    *paths(),
    *taken_out(),
    *bodies(),
    *requests(),
    *handshakes(),
    *frames(),
    *messages(),
    *values(),
    *trying(),
]


def attempts() -> str:
    """The attacks for the documentation: how many, of which kind, and each of them."""
    kinds = Counter(one.group for one in ATTACKS)
    rows = [f"| {one.group} | {one.words} | {one.outcome} |" for one in ATTACKS]
    return "\n".join(
        [
            "| what is attacked | attempts |",
            "| --- | --- |",
            *(f"| {group} | {count} |" for group, count in kinds.items()),
            f"| all | {len(ATTACKS)} |",
            "",
            "| what is attacked | with what | answer |",
            "| --- | --- | --- |",
            *rows,
        ]
    )

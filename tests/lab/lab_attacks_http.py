"""Attempts over HTTP: hosts, origins, sessions, paths, bodies, requests, handshakes."""

from typing import Any

from lab_attack import PLANTED, Attack, handshake, http, plain, post, token


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

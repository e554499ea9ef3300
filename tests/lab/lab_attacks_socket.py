"""Attempts over a WebSocket: frames, messages, and values that messages may not have."""

from typing import Any

from lab_attack import Attack


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
        ("data: an upload by a path", source("upload", "there/out")),
        ("data: a link as an upload", source("upload", "away")),
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

    def looked(**changed: Any) -> dict[str, Any]:
        image = {"kind": "uploaded", "upload": "there", "place": 0, "side": {}, **changed}
        return {"kind": "inside", "id": 1, "run": "a", "epoch": None, "image": image}

    broken += [
        ("an image of another kind to look inside at", looked(kind="file")),
        ("an image to look inside at before the first", looked(place=-1)),
        ("a path beside an image to look inside at", looked(path="/etc/passwd")),
    ]
    uploads = [
        ("above the uploads", "../uploads/there"),
        ("to train on", "there"),
        ("that is a link", "away"),
        ("by a path", "there/out"),
        ("that is a hidden folder", ".lab"),
    ]
    brought = [
        *[(f"dropped: an upload {words}", message("dropped", upload=it)) for words, it in uploads],
        *[(f"look inside: an upload {words}", looked(upload=it)) for words, it in uploads],
    ]
    return [
        *[Attack("Message", words, "closed", says=one) for words, one in broken],
        *[Attack("Value", words, "refused", says=one) for words, one in refused],
        *[
            Attack("Value", words, "refused", says=one, because="no upload called")
            for words, one in brought
        ],
    ]

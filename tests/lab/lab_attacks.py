"""What is tried against the lab, and what has to come of it: the list behind docs/lab-security.md.

Each attempt has everything right but the one thing that it is about: the right Host, the right
Origin, the right cookie.
"""

from collections import Counter

import lab_attacks_http
import lab_attacks_socket

ATTACKS = [
    *lab_attacks_http.hosts(),
    *lab_attacks_http.origins(),
    *lab_attacks_http.sessions(),
    *lab_attacks_http.paths(),
    *lab_attacks_http.taken_out(),
    *lab_attacks_http.bodies(),
    *lab_attacks_http.requests(),
    *lab_attacks_http.handshakes(),
    *lab_attacks_socket.frames(),
    *lab_attacks_socket.messages(),
    *lab_attacks_socket.values(),
    *lab_attacks_socket.trying(),
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

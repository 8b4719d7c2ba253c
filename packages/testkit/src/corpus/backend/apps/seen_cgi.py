"""Notes every request whose body came whole, and answers with what it was. A CGI program."""

import os
import sys

length = int(os.environ.get("CONTENT_LENGTH") or 0)
body = sys.stdin.buffer.read(length)
method, target = os.environ["REQUEST_METHOD"], os.environ["REQUEST_URI"]
if len(body) == length:
    with open(os.environ["SEEN_LOG"], "a", encoding="latin-1") as log:
        log.write(f"{method} {target}\n")
answer = "" if method == "HEAD" else f"seen {method} {target}"
sys.stdout.write(f"Content-Type: text/plain\r\nContent-Length: {len(answer)}\r\n\r\n{answer}")

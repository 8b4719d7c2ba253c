"""Notes every request whose body came whole, and answers with what it was. For gunicorn and waitress."""

import os
import threading

LOG = os.environ["SEEN_LOG"]
LOCK = threading.Lock()


def note(method, target):
    with LOCK, open(LOG, "a", encoding="latin-1") as log:
        log.write(f"{method} {target}\n")


def app(environ, start_response):
    method = environ["REQUEST_METHOD"]
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"]
    body = environ["wsgi.input"].read()
    length = environ.get("CONTENT_LENGTH")
    if not length or int(length) == len(body):
        note(method, target)
    answer = f"seen {method} {target}".encode("latin-1")
    fields = [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))]
    start_response("200 OK", fields)
    return [answer]


if __name__ == "__main__":
    from waitress import serve

    serve(app, host="127.0.0.1", port=int(os.environ["SEEN_PORT"]), threads=4)

"""Notes every request whose body came whole, and answers with what it was. For Python's http.server."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Seen(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def chunked(self):
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            data = self.rfile.read(size)
            if len(data) < size:
                return False
            if size == 0:
                while self.rfile.readline() not in (b"\r\n", b""):
                    pass
                return True
            self.rfile.readline()

    def is_whole(self):
        if self.headers.get("Transfer-Encoding"):
            return self.chunked()
        size = int(self.headers.get("Content-Length") or 0)
        return len(self.rfile.read(size)) == size

    def __getattr__(self, name):
        if not name.startswith("do_"):
            raise AttributeError(name)
        return self.answer

    def answer(self):
        if not self.is_whole():
            self.close_connection = True
            return
        with open(os.environ["SEEN_LOG"], "a", encoding="latin-1") as log:
            log.write(f"{self.command} {self.path}\n")
        answer = f"seen {self.command} {self.path}".encode("latin-1")
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ["SEEN_PORT"])), Seen).serve_forever()

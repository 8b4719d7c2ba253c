"""Notes every request whose body came whole, and answers with what it was. For tornado."""

import asyncio
import os

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler


class Seen(RequestHandler):
    def prepare(self):
        method, target = self.request.method, self.request.uri
        with open(os.environ["SEEN_LOG"], "a", encoding="latin-1") as log:
            log.write(f"{method} {target}\n")
        self.finish("" if method == "HEAD" else f"seen {method} {target}")


async def main():
    server = HTTPServer(Application([(r".*", Seen)]))
    server.listen(int(os.environ["SEEN_PORT"]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())

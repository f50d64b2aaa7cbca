#!/usr/bin/python3
"""notes.py DIRECTORY ADDRESS PORT: notes in a database of SQLite. POST /notes keeps the body and answers with its number; GET /notes lists them."""

import http.server
import os
import sqlite3
import sys

directory, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])


def connect():
    database = sqlite3.connect(os.path.join(directory, "notes.db"), timeout=10)
    database.execute("pragma synchronous = full")
    return database


class Notes(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        database = connect()
        try:
            with database:
                number = database.execute("insert into notes (text) values (?)", (text,)).lastrowid
        finally:
            database.close()
        self.answer(201, f"{number}\n")

    def do_GET(self):
        database = connect()
        try:
            texts = [row[0] for row in database.execute("select text from notes order by number")]
        finally:
            database.close()
        self.answer(200, "".join(f"{text}\n" for text in texts))

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


with connect() as first:
    first.execute("pragma journal_mode = wal")
    first.execute("create table if not exists notes (number integer primary key, text text not null)")
first.close()
http.server.ThreadingHTTPServer((address, port), Notes).serve_forever()

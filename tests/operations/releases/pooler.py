"""A pooler that hands out its sessions by transaction, as PgBouncer does; enough of the protocol to be one."""

import socket
import struct
import threading

ASKS_FOR_ENCRYPTION = {80877103, 80877104}
PARAMETERS = {"server_version": "18.0", "client_encoding": "UTF8", "standard_conforming_strings": "on"}


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


class Line:
    """One side of a conversation, read message by message."""

    def __init__(self, connected):
        self.socket = connected

    def read(self, count):
        data = b""
        while len(data) < count:
            if not (more := self.socket.recv(count - len(data))):
                raise ConnectionError
            data += more
        return data

    def startup(self):
        (length,) = struct.unpack("!I", self.read(4))
        return self.read(length - 4)

    def message(self):
        kind = self.read(1)
        (length,) = struct.unpack("!I", self.read(4))
        return kind, self.read(length - 4)

    def send(self, data):
        self.socket.sendall(data)


class Pooler:
    """Listens on a loopback port; a session goes back to the pool, last in first out, when its transaction ends."""

    def __init__(self, parameters, database):
        self.server = f"{parameters['host']}/.s.PGSQL.{parameters['port']}"
        self.user, self.database = parameters["user"], database
        self.free = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"postgresql://{self.user}@127.0.0.1:{self.listener.getsockname()[1]}/{database}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(Line(client),), daemon=True).start()

    def open(self):
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(self.server)
        line = Line(connected)
        words = b"".join(f"{word}\0".encode() for word in ("user", self.user, "database", self.database)) + b"\0"
        body = struct.pack("!I", 196608) + words
        line.send(struct.pack("!I", len(body) + 4) + body)
        while line.message()[0] != b"Z":
            pass
        return line

    def serve(self, client):
        try:
            while struct.unpack("!I", client.startup()[:4])[0] in ASKS_FOR_ENCRYPTION:
                client.send(b"N")
            client.send(message(b"R", struct.pack("!I", 0)))
            for name, value in PARAMETERS.items():
                client.send(message(b"S", f"{name}\0{value}\0".encode()))
            client.send(message(b"K", struct.pack("!II", 1, 1)) + message(b"Z", b"I"))
            self.relay(client)
        except (ConnectionError, OSError):
            client.socket.close()

    def relay(self, client):
        session = None
        while True:
            kind, body = client.message()
            if kind == b"X":
                raise ConnectionError
            session = session or (self.free.pop() if self.free else self.open())
            session.send(message(kind, body))
            if kind in {b"Q", b"S"}:
                answer = b""
                while answer != b"Z":
                    answer, body = session.message()
                    client.send(message(answer, body))
                if body == b"I":
                    self.free.append(session)
                    session = None

    def close(self):
        self.listener.close()
        for line in self.free:
            line.socket.close()

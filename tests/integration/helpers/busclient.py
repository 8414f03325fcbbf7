# SPDX-License-Identifier: LGPL-2.1-or-later
"""A D-Bus client in plain Python (the D-Bus specification, marshalling format 1), for tests: nothing to install, file
descriptors can be sent and received, and a user can be anybody."""
import array
import os
import socket
import struct

SYSTEM_BUS = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/dbus/system_bus_socket")
BASIC = {"y": ("B", 1), "n": ("h", 2), "q": ("H", 2), "i": ("i", 4), "u": ("I", 4), "x": ("q", 8), "t": ("Q", 8), "d": ("d", 8),
         "b": ("I", 4), "h": ("I", 4)}
ALIGNMENT = {"s": 4, "o": 4, "g": 1, "a": 4, "(": 8, "{": 8, "v": 1, **{key: size for key, (_, size) in BASIC.items()}}
CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
ALLOW_INTERACTIVE = 4


class BusError(Exception):
    def __init__(self, name, text):
        super().__init__(f"{name}: {text}")
        self.name, self.text = name, text


def split(signature):
    """The complete types of a signature."""
    types, depth, start = [], 0, 0
    for at, letter in enumerate(signature):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(letter, 0)
        if depth == 0 and letter != "a":
            types.append(signature[start:at + 1])
            start = at + 1
    return types


class Writer:
    def __init__(self):
        self.data, self.fds = bytearray(), []

    def align(self, size):
        self.data += b"\0" * (-len(self.data) % size)

    def put(self, kind, value):
        letter = kind[0]
        self.align(ALIGNMENT[letter])
        if letter == "h":
            self.fds.append(value)
            value = len(self.fds) - 1
        if letter in BASIC:
            self.data += struct.pack("<" + BASIC[letter][0], int(value) if letter != "d" else value)
        elif letter in "so":
            raw = value if isinstance(value, bytes) else value.encode()
            self.data += struct.pack("<I", len(raw)) + raw + b"\0"
        elif letter == "g":
            self.data += bytes([len(value)]) + value.encode() + b"\0"
        elif letter == "v":
            self.put("g", value[0])
            self.put(value[0], value[1])
        elif letter == "a":
            at = len(self.data)
            self.data += b"\0\0\0\0"
            self.align(ALIGNMENT[kind[1]])
            start = len(self.data)
            for item in value.items() if isinstance(value, dict) else value:
                self.put(kind[1:], item)
            self.data[at:at + 4] = struct.pack("<I", len(self.data) - start)
        else:
            for part, item in zip(split(kind[1:-1]), value, strict=True):
                self.put(part, item)


class Reader:
    def __init__(self, data, fds=()):
        self.data, self.at, self.fds = data, 0, fds

    def get(self, kind):
        letter = kind[0]
        self.at += -self.at % ALIGNMENT[letter]
        if letter in BASIC:
            form, size = BASIC[letter]
            value, = struct.unpack_from("<" + form, self.data, self.at)
            self.at += size
            return bool(value) if letter == "b" else self.fds[value] if letter == "h" else value
        if letter in "sog":
            if letter == "g":
                length = self.data[self.at]
                self.at += 1
            else:
                length, = struct.unpack_from("<I", self.data, self.at)
                self.at += 4
            raw = self.data[self.at:self.at + length]
            self.at += length + 1
            return raw.decode()
        if letter == "v":
            return self.get(self.get("g"))
        if letter == "a":
            length, = struct.unpack_from("<I", self.data, self.at)
            self.at += 4
            self.at += -self.at % ALIGNMENT[kind[1]]
            end, items = self.at + length, []
            while self.at < end:
                items.append(self.get(kind[1:]))
            return dict(items) if kind[1] == "{" else items
        return tuple(self.get(part) for part in split(kind[1:-1]))


class Message:
    def __init__(self, kind, flags, serial, fields, body):
        self.kind, self.flags, self.serial, self.fields, self.body = kind, flags, serial, fields, body


FIELDS = {1: "path", 2: "interface", 3: "member", 4: "error", 5: "reply_serial", 6: "destination", 7: "sender", 8: "signature", 9: "fds"}


class Bus:
    def __init__(self, address=SYSTEM_BUS, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(dict(item.split("=") for item in address.split(":", 1)[1].split(","))["path"])
        self.socket.sendall(b"\0AUTH EXTERNAL %s\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n" % str(os.geteuid()).encode().hex().encode())
        answer = b""
        while answer.count(b"\r\n") < 2:
            answer += self.socket.recv(4096)
        if not answer.startswith(b"OK "):
            raise BusError("auth", answer.decode())
        self.serial, self.buffer, self.fds, self.signals, self.replies = 0, b"", [], [], {}
        self.name = self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello")[0]

    def close(self):
        self.socket.close()

    def send(self, destination, path, interface, member, signature="", arguments=(), flags=0):
        self.serial += 1
        body = Writer()
        for kind, value in zip(split(signature), arguments, strict=True):
            body.put(kind, value)
        fields = [(1, ("o", path)), (2, ("s", interface)), (3, ("s", member)), (6, ("s", destination))]
        if signature:
            fields.append((8, ("g", signature)))
        if body.fds:
            fields.append((9, ("u", len(body.fds))))
        head = Writer()
        for kind, value in zip("yyyyuu", (ord("l"), CALL, flags, 1, len(body.data), self.serial)):
            head.put(kind, value)
        head.put("a(yv)", fields)
        head.align(8)
        self.send_raw(bytes(head.data + body.data), body.fds)
        return self.serial

    def send_raw(self, data, fds=()):
        sent = self.socket.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
        self.socket.sendall(data[sent:])

    def fill(self, size):
        while len(self.buffer) < size:
            data, ancillary, _, _ = self.socket.recvmsg(65536, 4096, socket.MSG_CMSG_CLOEXEC)
            if not data:
                raise EOFError("the bus closed the connection")
            for level, kind, raw in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    self.fds += array.array("i", raw[:len(raw) - len(raw) % 4])
            self.buffer += data

    def receive(self):
        self.fill(16)
        _, kind, flags, _, size, serial, fields_size = struct.unpack_from("<BBBBIII", self.buffer)
        head_size = (16 + fields_size + 7) & ~7
        self.fill(head_size + size)
        reader = Reader(self.buffer)
        reader.at = 12
        fields = {FIELDS.get(key, key): value for key, value in reader.get("a(yv)")}
        count = fields.get("fds", 0)
        fds, self.fds = self.fds[:count], self.fds[count:]
        body = Reader(self.buffer[head_size:head_size + size], fds)
        self.buffer = self.buffer[head_size + size:]
        return Message(kind, flags, serial, fields, [body.get(part) for part in split(fields.get("signature", ""))])

    def wait(self, serial):
        while serial not in self.replies:
            message = self.receive()
            if message.kind == SIGNAL:
                self.signals.append(message)
            else:
                self.replies[message.fields["reply_serial"]] = message
        message = self.replies.pop(serial)
        if message.kind == ERROR:
            raise BusError(message.fields["error"], message.body[0] if message.body else "")
        return message.body

    def call(self, destination, path, interface, member, signature="", arguments=(), flags=0):
        return self.wait(self.send(destination, path, interface, member, signature, arguments, flags))

    def manager(self, member, signature="", *arguments, flags=0):
        return self.call("org.berth1", "/org/berth1", "org.berth1.Manager", member, signature, arguments, flags)

    def properties(self, path, interface):
        return self.call("org.berth1", path, "org.freedesktop.DBus.Properties", "GetAll", "s", [interface])[0]

    def listen(self, rule):
        self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s", [rule])

    def next_signal(self, wanted):
        """The next signal for which wanted(message) is true."""
        while True:
            for message in self.signals:
                if wanted(message):
                    self.signals.remove(message)
                    return message
            message = self.receive()
            if message.kind == SIGNAL:
                self.signals.append(message)

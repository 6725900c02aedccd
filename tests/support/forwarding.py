"""A port in front of a server's socket: plain, or the end of TLS for a PostgreSQL that has none.

https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
"""

import socket
import ssl
import threading
from contextlib import contextmanager, nullcontext, suppress

SSL_REQUEST = bytes([0, 0, 0, 8, 4, 210, 22, 47])


@contextmanager
def forwarding(address, path, made=None):
    """Serve at an address (host, port) what a server serves at the path of its socket.

    made: the certificate that is shown; nobody is let in without TLS then.
    """
    context = None
    if made is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(made.certificate, made.key)
    with socket.create_server(address) as listening:
        threading.Thread(target=_accepting, args=(listening, context, path), daemon=True).start()
        yield
        listening.shutdown(socket.SHUT_RDWR)


def free_port(host):
    with socket.create_server((host, 0)) as found:
        return found.getsockname()[1]


def _accepting(listening, context, path):
    with suppress(OSError):  # closed: the end
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_serving, args=(client, context, path), daemon=True).start()


def _serving(client, context, path):
    with client, suppress(OSError, ssl.SSLError):
        if context is not None:
            if client.recv(8) != SSL_REQUEST:
                return
            client.sendall(b"S")
        over = context.wrap_socket(client, server_side=True) if context else nullcontext(client)
        with over as end, socket.socket(socket.AF_UNIX) as server:
            server.connect(path)
            back = threading.Thread(target=_passing, args=(server, end), daemon=True)
            back.start()
            _passing(end, server)
            back.join()


def _passing(source, target):
    """Until one of them goes."""
    with suppress(OSError, ssl.SSLError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)

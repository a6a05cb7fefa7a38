import socket
import pytest
def test_probe():
    socket.socket(socket.AF_UNIX).close()
    with pytest.raises(RuntimeError):
        socket.socket()

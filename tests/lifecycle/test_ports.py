import os
import socket

import pytest

from bioccia.lifecycle import ports
from bioccia.lifecycle.errors import LifecycleError


def test_a_taken_port_names_who_has_it_and_the_way_out():
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen()
        port = line.getsockname()[1]
        with pytest.raises(LifecycleError) as error:
            ports.check_free("127.0.0.1", port)
    assert f"Port {port} is taken by process {os.getpid()} " in str(error.value)
    assert f"make run PORT={port + 1}" in str(error.value)


def test_a_free_port_is_accepted():
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port = line.getsockname()[1]
    ports.check_free("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(LifecycleError, match=r"cannot listen on 192.0.2.1:8000 .*check BIND and PORT"):
        ports.check_free("192.0.2.1", 8000)

# SPDX-License-Identifier: Apache-2.0
"""A real object store that speaks S3: OpenStack Swift with its S3 interface, all of its servers in one process.

Keeps its objects in a temporary folder. Prints its port once it answers; when its standard input ends, it removes the
folder and exits. Path style, region us-east-1, access key test:tester, secret key testing.
"""
import warnings

warnings.simplefilter("ignore")

import eventlet
import eventlet.wsgi

eventlet.patcher.monkey_patch(all=False, socket=True, select=True, thread=True)

import os
import shutil
import sys
import tempfile

from eventlet import tpool
from swift.common.ring.builder import RingBuilder
from swift.common.http_protocol import SwiftHttpProtocol
from swift.common.utils import NullLogger
from swift.common.wsgi import loadapp

PROXY_FILTERS = {
    "catch_errors": "",
    "gatekeeper": "",
    "listing_formats": "",
    "bulk": "",
    "s3api": "location = us-east-1\nstorage_domain = localhost\nmin_segment_size = 65536\n",
    "tempauth": "user_test_tester = testing .admin\nuser_test_guest = guesting\n",
    "slo": "",
    "dlo": "",
    "copy": "",
}


def settings(folder, port, pipeline, app):
    return f"""[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
log_level = ERROR
[pipeline:main]
pipeline = {pipeline}
{app}"""


def write_ring(folder, kind, port):
    # One replica of everything on one device.
    builder = RingBuilder(6, 1, 1)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "disk",
                     "replication_ip": "127.0.0.1", "replication_port": port, "weight": 1, "meta": ""})
    builder.rebalance()
    builder.get_ring().save(f"{folder}/{kind}.ring.gz")


def start(folder, kind, listener, text):
    path = f"{folder}/{kind}.conf"
    with open(path, "w") as file:
        file.write(text)
    app = loadapp(path, {"log_name": kind})
    eventlet.spawn(eventlet.wsgi.server, listener, app, NullLogger(), protocol=SwiftHttpProtocol,
                   custom_pool=eventlet.GreenPool(1024), capitalize_response_headers=False, socket_timeout=60)


def main():
    folder = tempfile.mkdtemp(prefix="shardline-store-")
    try:
        os.makedirs(f"{folder}/devices/disk")
        with open(f"{folder}/swift.conf", "w") as file:
            file.write("[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = b\n"
                       "[storage-policy:0]\nname = gold\ndefault = yes\n")
        import swift.common.utils
        swift.common.utils.SWIFT_CONF_FILE = f"{folder}/swift.conf"
        for kind in ("account", "container", "object"):
            listener = eventlet.listen(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            write_ring(folder, kind, port)
            start(folder, kind, listener,
                  settings(folder, port, f"{kind}-server", f"[app:{kind}-server]\nuse = egg:swift#{kind}\n"))
        listener = eventlet.listen(("127.0.0.1", 0), backlog=512)
        port = listener.getsockname()[1]
        filters = "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n{more}" for name, more in PROXY_FILTERS.items())
        app = "[app:proxy-server]\nuse = egg:swift#proxy\nallow_account_management = true\naccount_autocreate = true\n"
        start(folder, "proxy", listener,
              settings(folder, port, " ".join(PROXY_FILTERS) + " proxy-server", app + filters))
        eventlet.sleep(0)
        print(port, flush=True)
        # A native thread, so that the servers go on.
        tpool.execute(sys.stdin.buffer.read)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
# The servers know no end.
os._exit(0)

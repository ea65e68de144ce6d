# SPDX-License-Identifier: Apache-2.0
"""Makes calls to Ark's control plane through the official SDK and prints what the caller gets, as a JSON array.

The arguments are host:port, access key, secret, and a JSON array of calls:
  {"typed": "create" | "list", "fields": {...}}     the typed package, from members named as on the wire
  {"action": A, "fields": {...}, "method": "GET"}   UniversalApi; POST unless told otherwise
  {"query": {...}, "body": {...}}                   a request signed by the SDK's signer, parameters in the query
  {"presigned": {...}}                              GET of a URL with the signature in it
  {"lossy": {...}}                                  one of the first two kinds, whose first answer gets lost on the way
Each answer is {"status", "result"} or {"status", "code", "message"}.
"""

import json
import re
import socket
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

import volcenginesdkark as ark
import volcenginesdkcore
from volcenginesdkcore.rest import ApiException
from volcenginesdkcore.signv4 import SignerV4

VERSION = "2024-01-01"
CHILDREN = {
    "create": {
        "InputFileTosLocation": ark.InputFileTosLocationForCreateBatchInferenceJobInput,
        "OutputDirTosLocation": ark.OutputDirTosLocationForCreateBatchInferenceJobInput,
        "ModelReference": ark.ModelReferenceForCreateBatchInferenceJobInput,
        "FoundationModel": ark.FoundationModelForCreateBatchInferenceJobInput,
        "Tags": ark.TagForCreateBatchInferenceJobInput,
    },
    "list": {
        "Filter": ark.FilterForListBatchInferenceJobsInput,
        "FoundationModels": ark.FoundationModelForListBatchInferenceJobsInput,
        "TagFilters": ark.TagFilterForListBatchInferenceJobsInput,
    },
}


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def typed(kind, fields, make):
    """Objects of the typed package, from members named as on the wire."""
    def value(name, given):
        child = CHILDREN[kind].get(name)
        if child is None or given is None:
            return given
        return [typed(kind, item, child) for item in given] if isinstance(given, list) else typed(kind, given, child)
    return make(**{snake(name): value(name, given) for name, given in fields.items()})


class Caller:
    def __init__(self, host, key, secret):
        self.host, self.key, self.secret = host, key, secret
        configuration = volcenginesdkcore.Configuration()
        configuration.ak, configuration.sk = key, secret
        configuration.host, configuration.scheme, configuration.region = host, "http", "cn-beijing"
        self.client = volcenginesdkcore.ApiClient(configuration)
        self.api = ark.ARKApi(self.client)
        self.universal = volcenginesdkcore.UniversalApi(self.client)

    def perform(self, call):
        if "typed" in call:
            if call["typed"] == "create":
                return self.api.create_batch_inference_job(
                    typed("create", call["fields"], ark.CreateBatchInferenceJobRequest)).to_dict()
            return self.api.list_batch_inference_jobs(
                typed("list", call["fields"], ark.ListBatchInferenceJobsRequest)).to_dict()
        if "action" in call:
            method = call.get("method", "POST")
            kind = "text/plain" if method == "GET" else "application/json"
            info = volcenginesdkcore.UniversalInfo(
                method=method, service="ark", version=VERSION, action=call["action"], content_type=kind)
            return self.universal.do_call(info, call["fields"])
        if "query" in call:
            return self.send("POST", call["query"], json.dumps(call["body"]))
        text = SignerV4.sign_url(
            "/", "GET", {**call["presigned"], "Version": VERSION}, self.key, self.secret, "cn-beijing", "ark",
            host=self.host)
        return self.fetch(urllib.request.Request(f"http://{self.host}/?{text}"))

    def send(self, method, query, body):
        query = {**query, "Version": VERSION}
        fields = {"Host": self.host, "Content-Type": "application/json"}
        SignerV4.sign("/", method, fields, body, None, query, self.key, self.secret, "cn-beijing", "ark")
        url = f"http://{self.host}/?{urllib.parse.urlencode(query)}"
        return self.fetch(urllib.request.Request(url, body.encode(), fields, method=method))

    @staticmethod
    def fetch(request):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["Result"]
        except urllib.error.HTTPError as error:
            raise ApiException(status=error.code, reason=error.read()) from error

    def answer(self, call):
        try:
            if "lossy" in call:
                with LossyProxy(self.host) as proxy:
                    return {"status": 200, "result": Caller(proxy, self.key, self.secret).perform(call["lossy"])}
            return {"status": 200, "result": self.perform(call)}
        except ApiException as error:
            body = json.loads(error.body or error.reason)
            fault = body["ResponseMetadata"]["Error"]
            return {"status": error.status, "code": fault["Code"], "message": fault["Message"]}


class LossyProxy:
    """Hands requests on, one per connection; the answer to the first one it reads and drops."""

    def __init__(self, target):
        host, port = target.split(":")
        self.target = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.requests = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def __enter__(self):
        return "127.0.0.1:%d" % self.listener.getsockname()[1]

    def __exit__(self, *_):
        self.listener.close()
        if self.requests < 2:
            raise RuntimeError("the SDK did not send its request again")

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, socket.create_connection(self.target) as server:
                self.requests += 1
                server.sendall(self.message(client))
                answer = self.message(server)
                if self.requests > 1:
                    client.sendall(answer)

    @staticmethod
    def message(peer):
        """One whole message of HTTP with a Content-Length, or without a body."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += peer.recv(65536)
        head, rest = data.split(b"\r\n\r\n", 1)
        match = re.search(rb"(?i)content-length: *([0-9]+)", head)
        while len(rest) < (int(match.group(1)) if match else 0):
            rest += peer.recv(65536)
        return head + b"\r\n\r\n" + rest


def main(host, key, secret, calls):
    caller = Caller(host, key, secret)
    print(json.dumps([caller.answer(call) for call in json.loads(calls)]))


if __name__ == "__main__":
    main(*sys.argv[1:])

# SPDX-License-Identifier: Apache-2.0
"""Prints requests to Ark's control plane, signed just now, as a JSON array on standard output.

Most are signed by the official SDK; the last kind the way a published helper script does it, which signs the field
`X-Content-Sha256` as empty and does not send it. Each is {name, secret, method, path, query, host, headers, body}, the
body in base64, everything else as it would travel.
"""

import base64
import datetime
import hashlib
import hmac
import json
from urllib.parse import urlencode

from volcenginesdkcore.signv4 import SignerV4

AK = "AKLTdGVzdGluZw"
SK = "TkdFNU9XVmpZekV5TXpRMU5qYzRPV0ZpWTJSbFpnPT0=="
ACTION = {"Action": "CreateBatchInferenceJob", "Version": "2024-01-01"}
JSON = "application/json; charset=utf-8"


def by_sdk(name, method="POST", path="/", query=None, host="localhost:8080", body="", secret=SK, region="cn-beijing",
           headers=None):
    query = ACTION if query is None else query
    fields = {"Host": host, "User-Agent": "tests", "Accept": "application/json", **(headers or {})}
    SignerV4.sign(path, method, fields, body, None, query, AK, secret, region, "ark")
    del fields["Host"]
    return vector(name, secret, method, path or "/", urlencode(query), host, fields, body)


def by_helper(name, body):
    host, query = "localhost", "Action=CreateBatchInferenceJob&Version=2024-01-01&X-Account-Id=2100000000"
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    names = "content-type;host;x-content-sha256;x-date"
    lines = f"content-type:{JSON}\nhost:{host}\nx-content-sha256:\nx-date:{date}\n"
    payload = hashlib.sha256(body.encode()).hexdigest()
    canonical = "\n".join(["POST", "/", query, lines, names, payload])
    scope = f"{date[:8]}/cn-beijing/ark/request"
    text = "\n".join(["HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = SK.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    authorization = f"HMAC-SHA256 Credential={AK}/{scope},SignedHeaders={names},Signature={signature}"
    fields = {"Content-Type": JSON, "X-Date": date, "Authorization": authorization}
    return vector(name, SK, "POST", "/", query, host, fields, body)


def presigned(name, host, signed_host=None, query=None, path="/"):
    query = dict(query or {"Action": "ListBatchInferenceJobs", "Version": "2024-01-01"})
    text = SignerV4.sign_url(path, "GET", query, AK, SK, "cn-beijing", "ark", host=signed_host)
    return vector(name, SK, "GET", path, text, host, {"Accept": "*/*"}, "")


def vector(name, secret, method, path, query, host, headers, body):
    return {"name": name, "secret": secret, "method": method, "path": path, "query": query, "host": host,
            "headers": headers, "body": base64.b64encode(body.encode()).decode()}


def main():
    body = json.dumps({"Name": "批量", "Filter": {"Phases": [], "Ids": None}, "PageSize": 10})
    kind = {"Content-Type": "application/json"}
    traced = {"X-Sdk-Invocation-Id": "c0ffee", "X-Sdk-Request": "attempt=1; max=4", **kind}
    odd = {**ACTION, "Name": "a b+c/d~e*f", "Empty": "", "Ключ": "值", "a": "1", "B": "2", "a-": "3", "x.y": "=&;?%"}
    print(json.dumps([
        by_sdk("a body of JSON", body=body, headers=traced),
        by_sdk("an empty body", headers=kind),
        by_sdk("a body that is not ASCII", body='{"Name": "批处理 — naïve"}', headers={"Content-Type": JSON}),
        by_sdk("no content type of the caller's", body="a=b"),
        by_sdk("a query with everything", query=odd, body="{}", headers=kind),
        by_sdk("GET", method="GET", query={**ACTION, "PageNumber": 1}),
        by_sdk("an empty path", path="", body="{}", headers=kind),
        by_sdk("an encoded path", path="/a%20b/%E4%BD%A0", body="{}", headers=kind),
        by_sdk("no port", host="ark.example", body="{}", headers=kind),
        by_sdk("port 80, which is not signed", host="ark.example:80", body="{}", headers=kind),
        by_sdk("port 443, which is not signed", host="ark.example:443", body="{}", headers=kind),
        by_sdk("port 8000", host="ark.example:8000", body="{}", headers=kind),
        by_sdk("a secret that is no base64", secret="päss word", body="{}", headers=kind),
        by_sdk("another region", region="ap-southeast-1", body="{}", headers=kind),
        by_helper("a field that was signed and not sent", body),
        presigned("presigned", "ark.example:80"),
        presigned("presigned with the host", "ark.example", "ark.example"),
        presigned("presigned with the host and its port", "ark.example:80", "ark.example:80"),
        presigned("presigned with everything", "localhost:1", "localhost:1", query=odd),
    ]))


if __name__ == "__main__":
    main()

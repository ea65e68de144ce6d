# SPDX-License-Identifier: Apache-2.0
"""Runs a batch inference job the way the vendor's document does it: with a signature of its own making.

The arguments are host:port, access key, secret, input bucket, input key, output bucket and output folder. As in the
document the query is repeated in the body beside an account's number, the field `X-Content-Sha256` is signed as empty
and not sent, and a request is tried up to three times with one signature. Prints the id of the job once a list of
running or completed jobs shows it, and its phase at the end.
"""

import datetime
import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.request

VERSION, REGION, SERVICE, ACCOUNT = "2024-01-01", "cn-beijing", "ark", "2100000000"
KIND = "application/json; charset=utf-8"
NAMES = "content-type;host;x-content-sha256;x-date"
TRIES = 3


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def signed_fields(host, query, payload, key, secret):
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    fields = f"content-type:{KIND}\nhost:{host}\nx-content-sha256:\nx-date:{date}\n"
    scope = f"{date[:8]}/{REGION}/{SERVICE}/request"
    canonical = "\n".join(["POST", "/", query, fields, NAMES, payload])
    mac = secret.encode()
    for part in scope.split("/"):
        mac = hmac.new(mac, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(
        mac, "\n".join(["HMAC-SHA256", date, scope, sha256(canonical)]).encode(), hashlib.sha256).hexdigest()
    return {
        "Content-Type": KIND, "Host": host, "X-Date": date,
        "Authorization": f"HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={NAMES}, Signature={signature}",
    }


class BatchInference:
    def __init__(self, host, key, secret):
        self.host, self.key, self.secret = host, key, secret

    def call(self, action, parameters):
        query = f"Action={action}&Version={VERSION}&X-Account-Id={ACCOUNT}"
        body = json.dumps(
            {"Version": VERSION, "X-Account-Id": ACCOUNT, "Action": action, "ProjectName": "default", **parameters})
        request = urllib.request.Request(
            f"http://{self.host}/?{query}", body.encode(),
            signed_fields(self.host, query, sha256(body), self.key, self.secret))
        for attempt in range(TRIES):
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                # The document's client reads the body whatever the status is.
                return json.load(error)
            except OSError:
                if attempt + 1 == TRIES:
                    raise
                time.sleep(0.1 * 2 ** attempt)

    def create(self, input_bucket, input_key, output_bucket, output_folder):
        return self.call("CreateBatchInferenceJob", {
            "Name": "just_test",
            "ModelReference": {"FoundationModel": {"Name": "doubao-pro-32k", "ModelVersion": "240615"}},
            "InputFileTosLocation": {"BucketName": input_bucket, "ObjectKey": input_key},
            "OutputDirTosLocation": {"BucketName": output_bucket, "ObjectKey": output_folder},
            "CompletionWindow": "3d",
        })

    def list(self, phases=None):
        return self.call("ListBatchInferenceJobs", {"Filter": {"Phases": phases or []}})


def main(host, key, secret, *places):
    client = BatchInference(host, key, secret)
    created = client.create(*places)
    if "Result" not in created:
        sys.exit(json.dumps(created))
    job = created["Result"]["Id"]
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        every = {item["Id"]: item["Status"]["Phase"] for item in client.list()["Result"]["Items"]}
        ended = {item["Id"] for item in client.list(["Completed", "Failed", "Terminated"])["Result"]["Items"]}
        if job in ended:
            running = {item["Id"] for item in client.list(["Running"])["Result"]["Items"]}
            print(json.dumps({"id": job, "phase": every.get(job), "running": job in running}))
            return
        time.sleep(0.2)
    sys.exit(f"{job} did not end: {every}")


if __name__ == "__main__":
    main(*sys.argv[1:])

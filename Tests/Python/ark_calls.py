# SPDX-License-Identifier: Apache-2.0
"""Calls Ark's control plane through the official SDK and prints what the caller meets, as a JSON array.

The arguments are host:port, access key and secret. Each entry is {call, status, metadata}: the status of the exception
(200 when there was none) and `ResponseMetadata` of the body, absent when there was no exception.
"""

import json
import sys

import volcenginesdkark
import volcenginesdkcore
from volcenginesdkcore.rest import ApiException


def main(host, key, secret):
    configuration = volcenginesdkcore.Configuration()
    configuration.ak, configuration.sk = key, secret
    configuration.host, configuration.scheme, configuration.region = host, "http", "cn-beijing"
    client = volcenginesdkcore.ApiClient(configuration)
    universal = volcenginesdkcore.UniversalApi(client)

    def any_action(method, kind, body):
        return lambda: universal.do_call(
            volcenginesdkcore.UniversalInfo(
                method=method, service="ark", version="2024-01-01", action="NoSuchAction", content_type=kind), body)

    calls = {
        "post": any_action("POST", "application/json", {"Name": "批量", "Filter": {"Phases": []}}),
        "get": any_action("GET", "text/plain", {"Id": "bi-1 +/~", "Name": "批量"}),
        "typed": lambda: volcenginesdkark.ARKApi(client).list_batch_inference_jobs(
            volcenginesdkark.ListBatchInferenceJobsRequest(page_number=1, page_size=10)),
    }
    met = []
    for name, call in calls.items():
        try:
            met.append({"call": name, "status": 200, "result": str(call())})
        except ApiException as error:
            met.append({"call": name, "status": error.status, "metadata": json.loads(error.body)["ResponseMetadata"]})
    print(json.dumps(met))


if __name__ == "__main__":
    main(*sys.argv[1:])
